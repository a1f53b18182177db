//! What our models of kinds outside Kubernetes accept and refuse.

use super::check;

/// One valid object of each of fifty kinds.
const KINDS: &str = include_str!("../../benches/fleet/kinds.yaml");

#[test]
fn fifty_valid_objects_of_fifty_kinds_are_accepted() {
    for object in KINDS.split("---\n") {
        let object = object.replace("NAME", "web").replace("PART", "web");
        assert_eq!(check(&object), [""; 0], "{object}");
    }
}

fn spec(api_version: &str, kind: &str, spec: &str) -> Vec<String> {
    check(&format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"))
}

#[test]
fn listeners_of_a_gateway_keep_the_rules_of_gateway_api() {
    let listeners = |list: &str| {
        spec("gateway.networking.k8s.io/v1", "Gateway", &format!("{{gatewayClassName: a, listeners: [{list}]}}"))
    };
    let https = "{name: b, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}";
    assert_eq!(listeners(https), [""; 0]);
    assert_eq!(
        listeners("{name: a, port: 80, protocol: HTTP, tls: {certificateRefs: [{name: c}]}}"),
        ["4: `spec.listeners`: listeners of HTTP, TCP and UDP must not have `tls`"]
    );
    assert_eq!(
        listeners("{name: a, port: 443, protocol: TLS, tls: {mode: Terminate}}"),
        ["4: `spec.listeners`: where TLS is terminated, `tls` needs `certificateRefs` or `options`"]
    );
    assert_eq!(
        listeners(&format!("{https}, {}", https.replace("name: b", "name: d"))),
        ["4: `spec.listeners`: two listeners have the same port, protocol and hostname"]
    );
}

#[test]
fn routes_keep_the_rules_of_gateway_api() {
    let rules = |rule: &str| spec("gateway.networking.k8s.io/v1", "HTTPRoute", &format!("{{rules: [{rule}]}}"));
    assert_eq!(rules("{matches: [{path: {}}, {path: {type: RegularExpression, value: 'a.*'}}]}"), [""; 0]);
    assert_eq!(
        rules("{matches: [{path: {value: a}}]}"),
        ["4: `spec.rules[0].matches[0].path`: a path begins with `/`"]
    );
    assert_eq!(
        rules("{filters: [{type: RequestRedirect, requestRedirect: {port: 443}}], backendRefs: [{name: a, port: 80}]}"),
        ["4: `spec.rules[0]`: a rule that redirects must not have `backendRefs`"]
    );
    assert_eq!(
        rules("{timeouts: {request: 10s, backendRequest: 1m}}"),
        ["4: `spec.rules[0]`: `timeouts.backendRequest` must not be longer than `timeouts.request`"]
    );
    assert_eq!(
        rules("{filters: [{type: URLRewrite}]}"),
        ["4: `spec.rules[0].filters[0]`: `urlRewrite` belongs to the type `URLRewrite`, and the type needs it"]
    );
}

#[test]
fn flux_kinds_keep_their_rules_with_defaults_filled_in() {
    let bucket = |more: &str| {
        spec("source.toolkit.fluxcd.io/v1", "Bucket", &format!("{{interval: 1m, bucketName: a, endpoint: b, {more}}}"))
    };
    assert_eq!(bucket("sts: {provider: ldap, endpoint: 'https://a'}"), [""; 0]);
    assert_eq!(
        bucket("sts: {provider: aws, endpoint: 'https://a'}"),
        ["4: `spec`: the provider `generic` needs `sts.provider` to be `ldap`"]
    );
    assert_eq!(
        spec("notification.toolkit.fluxcd.io/v1beta3", "Provider", "{type: slack, commitStatusExpr: \"'a'\"}"),
        ["4: `spec`: only providers of Git hosts have `commitStatusExpr`"]
    );
}

#[test]
fn policies_of_envoy_gateway_name_what_they_apply_to() {
    let policy = |spec_text: &str| spec("gateway.envoyproxy.io/v1alpha1", "SecurityPolicy", spec_text);
    let target = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}";
    assert_eq!(policy(&format!("{{targetRefs: [{target}]}}")), [""; 0]);
    assert_eq!(
        policy("{}"),
        ["4: `spec`: name what it applies to once: `targetRef`, `targetRefs` or `targetSelectors`"]
    );
    assert_eq!(policy(&format!("{{targetRef: {}}}", target.replace("HTTPRoute", "Service"))).len(), 1);
}
