//! Two processes of one transactional id.

use crate::broker::Broker;
use crate::broker::send;
use crate::broker::terminate;
use crate::broker::wait_for;
use crate::oracle::found;
use crate::oracle::oracle;

#[test]
fn what_a_fenced_writer_wrote_is_invisible() {
    let broker = Broker::start("fenced", 2);
    if !broker.is_real {
        println!("skipped: the mock cluster neither fences nor aborts");
        return;
    }
    let start = |interval: &str| {
        // Without static membership: it would fence the member of the group before the writer could be.
        let own = [("KAFKA_GROUP_INSTANCE_ID", ""), ("KAFKA_TRANSACTIONAL_ID", broker.name.as_str())];
        let more = [("PROCESSING_GUARANTEE", "exactly_once"), ("EMIT", "current"), ("COMMIT_INTERVAL_MS", interval)];
        broker.candles(&[&own[..], &more].concat()).spawn().unwrap()
    };
    let out = format!("{}.out", broker.name);
    // As fast as it goes: 20 seconds of trades, which make a record each.
    assert!(broker.feed(20_000, 0).wait().unwrap().success());

    // The first writes and does not commit; then it is away for longer than the group waits.
    let first = start("60000");
    wait_for(|| !broker.read_as(&out, "read_uncommitted").is_empty());
    send("-STOP", &first);
    assert_eq!(broker.read(&out).len(), 0, "nothing is committed");
    let orphans = broker.read_as(&out, "read_uncommitted").len();
    assert!(orphans > 0);

    let second = start("200");
    let expected = oracle(&broker);
    wait_for(|| found(&broker) == expected);
    assert_eq!(found(&broker), expected);
    let committed = broker.read(&out).len();

    // The first comes back, with records that it still had in its queue, and is refused.
    send("-CONT", &first);
    let output = first.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("another process has the transactional id"), "{log}");
    assert!(terminate(second).status.success());
    assert_eq!(found(&broker), expected);
    // Idle windows may have closed since; nothing else may be there.
    let after = broker.read(&out).len();
    assert!(after - committed <= expected.len(), "{committed} records, then {after}");
    assert!(broker.read_as(&out, "read_uncommitted").len() >= after + orphans, "the first's records are in the log");
}
