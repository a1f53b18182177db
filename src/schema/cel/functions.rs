//! What Kubernetes adds to the functions of the language.
//!
//! Left out, and so named as not known: `url`, `ip`, `cidr`, `semver` and `format` with their methods, and `authorizer`.
//!
//! Source: Kubernetes, "CEL options, language features, and libraries"; k8s.io/apiserver, pkg/cel/library.

#![expect(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    reason = "the signatures of functions are the interpreter's"
)]

use std::cmp::Ordering;
use std::net::IpAddr;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelString, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, add_member_overload, add_overload};
use regex::Regex;

type Outcome<T> = Result<T, ExecutionError>;

/// Declares the functions in `environment`.
pub(super) fn extension(environment: &mut Env) -> Result<(), DeclarationError> {
    lists(environment)?;
    add_member_overload!(environment, fn find: (CelString, CelString) -> Result<CelString>)?;
    add_member_overload!(environment, fn find_all: (CelString, CelString) -> Result<CelList>)?;
    add_overload!(environment, fn is_quantity: (CelString) -> CelBool)?;
    add_overload!(environment, fn quantity: (CelString) -> Result<CelDouble>)?;
    add_member_overload!(environment, fn is_greater_than: (CelDouble, CelDouble) -> CelBool)?;
    add_member_overload!(environment, fn is_less_than: (CelDouble, CelDouble) -> CelBool)?;
    add_member_overload!(environment, fn compare_to: (CelDouble, CelDouble) -> CelInt)?;
    add_member_overload!(environment, fn sign: (CelDouble) -> CelInt)?;
    add_overload!(environment, fn is_ip: (CelString) -> CelBool, name = "isIP")?;
    add_overload!(environment, fn is_cidr: (CelString) -> CelBool, name = "isCIDR")?;
    add_overload!(environment, fn is_url: (CelString) -> CelBool, name = "isURL")
}

fn lists(environment: &mut Env) -> Result<(), DeclarationError> {
    let mut member =
        |name: &str, id: &str, function| environment.add_member_overload(name, id, LIST_TYPE, Vec::new(), function);
    member("isSorted", "list.isSorted()", is_sorted)?;
    member("sum", "list.sum()", sum)?;
    member("min", "list.min()", min)?;
    member("max", "list.max()", max)?;
    let any = || vec![cel::common::types::DYN_TYPE];
    environment.add_member_overload("indexOf", "list.indexOf(dyn)", LIST_TYPE, any(), index_of)?;
    environment.add_member_overload("lastIndexOf", "list.lastIndexOf(dyn)", LIST_TYPE, any(), last_index_of)?;
    let two = || vec![LIST_TYPE, LIST_TYPE];
    environment.add_overload("sets.contains", "sets.contains(list,list)", two(), contains)?;
    environment.add_overload("sets.equivalent", "sets.equivalent(list,list)", two(), equivalent)?;
    environment.add_overload("sets.intersects", "sets.intersects(list,list)", two(), intersects)
}

/// Returns the entries of the list at `index` of the arguments.
fn entries<'b, 'v>(arguments: &'b [CowVal<'_, 'v>], index: usize) -> Outcome<Vec<&'b (dyn Val + 'v)>> {
    let missing = || ExecutionError::invalid_argument_count(index + 1, arguments.len());
    let list = arguments.get(index).ok_or_else(missing)?.as_ref();
    let mut items = list.as_iterable().ok_or_else(|| failed("list", "it is no list"))?.iter();
    let mut entries = Vec::new();
    while let Some(item) = items.next() {
        entries.push(item);
    }
    Ok(entries)
}

fn failed(function: &str, why: &str) -> ExecutionError {
    ExecutionError::function_error(function, why)
}

fn compare(left: &dyn Val, right: &dyn Val) -> Outcome<Ordering> {
    left.as_comparer().ok_or_else(|| failed("compare", "it has no order"))?.compare(right)
}

fn is_sorted<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    let entries = entries(&arguments, 0)?;
    for pair in entries.windows(2) {
        if compare(pair[0], pair[1])? == Ordering::Greater {
            return Ok(CowVal::owned(CelBool::from(false)));
        }
    }
    Ok(CowVal::owned(CelBool::from(true)))
}

fn sum<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    let entries = entries(&arguments, 0)?;
    let Some((first, rest)) = entries.split_first() else { return Ok(CowVal::owned(CelInt::from(0))) };
    let mut total = first.clone_as_boxed();
    for entry in rest {
        let next = total.as_adder().ok_or_else(|| failed("sum", "it cannot be added"))?.add(*entry)?.into_owned();
        total = next;
    }
    Ok(CowVal::Owned(total))
}

fn min<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    extreme(&arguments, Ordering::Less)
}

fn max<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    extreme(&arguments, Ordering::Greater)
}

fn extreme<'b, 'v>(arguments: &[CowVal<'b, 'v>], wanted: Ordering) -> Outcome<CowVal<'b, 'v>> {
    let entries = entries(arguments, 0)?;
    let (first, rest) = entries.split_first().ok_or_else(|| failed("min", "the list is empty"))?;
    let mut best = *first;
    for entry in rest {
        if compare(*entry, best)? == wanted {
            best = *entry;
        }
    }
    Ok(CowVal::Owned(best.clone_as_boxed()))
}

fn index_of<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    place(&arguments, |entries, wanted| entries.iter().position(|entry| entry.equals(wanted)))
}

fn last_index_of<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    place(&arguments, |entries, wanted| entries.iter().rposition(|entry| entry.equals(wanted)))
}

fn place<'b, 'v>(
    arguments: &[CowVal<'b, 'v>],
    find: impl FnOnce(&[&(dyn Val + 'v)], &dyn Val) -> Option<usize>,
) -> Outcome<CowVal<'b, 'v>> {
    let entries = entries(arguments, 0)?;
    let wanted = arguments.get(1).ok_or_else(|| ExecutionError::invalid_argument_count(2, arguments.len()))?;
    let found = find(&entries, wanted.as_ref()).and_then(|index| i64::try_from(index).ok());
    Ok(CowVal::owned(CelInt::from(found.unwrap_or(-1))))
}

fn has_all(all: &[&dyn Val], wanted: &[&dyn Val]) -> bool {
    wanted.iter().all(|wanted| all.iter().any(|entry| entry.equals(*wanted)))
}

fn contains<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    let (left, right) = (entries(&arguments, 0)?, entries(&arguments, 1)?);
    Ok(CowVal::owned(CelBool::from(has_all(&left, &right))))
}

fn equivalent<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    let (left, right) = (entries(&arguments, 0)?, entries(&arguments, 1)?);
    Ok(CowVal::owned(CelBool::from(has_all(&left, &right) && has_all(&right, &left))))
}

fn intersects<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<CowVal<'b, 'v>> {
    let (left, right) = (entries(&arguments, 0)?, entries(&arguments, 1)?);
    let shared = left.iter().any(|entry| right.iter().any(|other| entry.equals(*other)));
    Ok(CowVal::owned(CelBool::from(shared)))
}

fn regex(function: &str, pattern: &CelString<'_>) -> Outcome<Regex> {
    Regex::new(pattern.inner()).map_err(|_| failed(function, "the pattern cannot be read"))
}

fn find(text: &CelString<'_>, pattern: &CelString<'_>) -> Outcome<CelString<'static>> {
    let regex = regex("find", pattern)?;
    let found = regex.find(text.inner()).map_or("", |found| found.as_str());
    Ok(CelString::from(found.to_owned()))
}

fn find_all(text: &CelString<'_>, pattern: &CelString<'_>) -> Outcome<CelList<'static>> {
    let regex = regex("findAll", pattern)?;
    let found = regex.find_iter(text.inner()).map(|found| {
        let text: Box<dyn Val> = Box::new(CelString::from(found.as_str().to_owned()));
        text
    });
    Ok(CelList::from(found.collect::<Vec<_>>()))
}

fn is_quantity(text: &CelString<'_>) -> CelBool {
    CelBool::from(read_quantity(text.inner()).is_some())
}

fn quantity(text: &CelString<'_>) -> Outcome<CelDouble> {
    read_quantity(text.inner()).map(CelDouble::from).ok_or_else(|| failed("quantity", "it is no quantity"))
}

/// Reads `500m`, `1.5Gi`, `1e3`. A decimal part is divided once, so that equal quantities are equal numbers.
///
/// Source: k8s.io/apimachinery, pkg/api/resource, the grammar above `Quantity`.
fn read_quantity(text: &str) -> Option<f64> {
    let end = text.find(|letter: char| !matches!(letter, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Pi" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Ei" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ if suffix.starts_with(['e', 'E']) => return text.parse().ok(),
        _ => return None,
    };
    let number: f64 = digits.parse().ok()?;
    Some(if factor < 1.0 { number / (1.0_f64 / factor).round() } else { number * factor })
}

fn is_greater_than(left: &CelDouble, right: &CelDouble) -> CelBool {
    CelBool::from(left.inner() > right.inner())
}

fn is_less_than(left: &CelDouble, right: &CelDouble) -> CelBool {
    CelBool::from(left.inner() < right.inner())
}

fn compare_to(left: &CelDouble, right: &CelDouble) -> CelInt {
    CelInt::from(left.inner().partial_cmp(right.inner()).map_or(0, |order| order as i64))
}

fn sign(number: &CelDouble) -> CelInt {
    CelInt::from(number.inner().partial_cmp(&0.0).map_or(0, |order| order as i64))
}

fn is_ip(text: &CelString<'_>) -> CelBool {
    CelBool::from(text.inner().parse::<IpAddr>().is_ok())
}

fn is_cidr(text: &CelString<'_>) -> CelBool {
    let read = |text: &str| {
        let (address, length) = text.split_once('/')?;
        let longest = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
        (length.parse::<u8>().ok()? <= longest).then_some(())
    };
    CelBool::from(read(text.inner()).is_some())
}

/// A path from the root, or a scheme with something behind it: what Go's `url.ParseRequestURI` takes.
fn is_url(text: &CelString<'_>) -> CelBool {
    let text = text.inner();
    let is_scheme = |scheme: &str| {
        let mut letters = scheme.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
    };
    let has_scheme = text.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && rest.starts_with('/'));
    let is_clean = !text.contains(|letter: char| letter.is_control() || letter == ' ');
    CelBool::from(is_clean && (text.starts_with('/') || has_scheme))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cel::{Context, Value};

    use super::*;

    #[test]
    fn the_functions_of_kubernetes_give_what_its_documentation_says() {
        let mut environment = Env::stdlib();
        environment.add_extension(cel::extensions::strings).unwrap();
        environment.add_extension(extension).unwrap();
        let environment = Arc::new(environment);
        for text in [
            "[1, 2, 2].isSorted() && !['b', 'a'].isSorted()",
            "[1, 3].sum() == 4 && [].sum() == 0 && [1, 3].min() == 1 && ['a', 'b'].max() == 'b'",
            "[1, 2, 2].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2 && [1].indexOf(5) == -1",
            "'abc 123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1', '2']",
            "quantity('100m') == quantity('0.1') && quantity('1Gi').isGreaterThan(quantity('1G'))",
            "isQuantity('1.5Gi') && !isQuantity('1.5 Gi') && quantity('50k').compareTo(quantity('50000')) == 0",
            "isIP('::1') && !isIP('1.2.3') && isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0/33')",
            "isURL('https://a.example/x') && isURL('/a') && !isURL('a b') && !isURL('../a')",
            "sets.contains([1, 2], [2]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])",
        ] {
            let program = environment.compile(text).unwrap();
            let context = Context::with_env(Arc::clone(&environment));
            assert_eq!(program.execute(&context), Ok(Value::Bool(true)), "{text}");
        }
    }
}
