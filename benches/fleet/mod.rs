//! A fleet to measure with: three clusters, usually of sixty applications, which is 783 files.
//!
//! Each application has a base (a Deployment, a Service, an HTTPRoute) and in each cluster an overlay with a patch, an
//! image and a Flux Kustomization that substitutes the cluster's domain.

use gitops_gen::text::FileSet;

/// Clusters, with the domain that each substitutes.
const CLUSTERS: [(&str, &str); 3] =
    [("fra1", "fra1.example.com"), ("nyc1", "nyc1.example.com"), ("sgp1", "sgp1.example.com")];

/// Applications in each cluster, where nobody asks for more.
pub(crate) const APPS: usize = 60;

/// Returns a fleet of `apps` applications in each cluster: 13 files and 12 rendered objects each.
pub(crate) fn fleet(apps: usize) -> FileSet {
    let mut files = Vec::new();
    for app in (0..apps).map(|number| format!("app-{number:02}")) {
        let mut base = |name: &str, text: String| files.push((format!("apps/base/{app}/{name}"), text));
        base("kustomization.yaml", BASE.to_owned());
        base("deployment.yaml", DEPLOYMENT.replace("APP", &app));
        base("service.yaml", SERVICE.replace("APP", &app));
        base("route.yaml", ROUTE.replace("APP", &app));
        for (cluster, domain) in CLUSTERS {
            let fill = |text: &str| text.replace("APP", &app).replace("CLUSTER", cluster).replace("DOMAIN", domain);
            files.push((format!("apps/{cluster}/{app}/kustomization.yaml"), fill(OVERLAY)));
            files.push((format!("apps/{cluster}/{app}/replicas.yaml"), fill(PATCH)));
            files.push((format!("clusters/{cluster}/{app}.yaml"), fill(KUSTOMIZATION)));
        }
    }
    for (cluster, _) in CLUSTERS {
        files.push((format!("clusters/{cluster}/flux-system/gotk-sync.yaml"), SYNC.replace("CLUSTER", cluster)));
    }
    FileSet::from_texts(files)
}

const BASE: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - service.yaml
  - route.yaml
labels:
  - pairs:
      app.kubernetes.io/part-of: fleet
";

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: APP
spec:
  replicas: 1
  selector:
    matchLabels:
      app: APP
  template:
    metadata:
      labels:
        app: APP
    spec:
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: app
          image: ghcr.io/example/APP
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: LOG_LEVEL
              value: info
            - name: DOMAIN_NAME
              value: ${domain}
          readinessProbe:
            httpGet:
              path: /healthz
              port: http
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
";

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: APP
spec:
  selector:
    app: APP
  ports:
    - name: http
      port: 80
      targetPort: http
";

const ROUTE: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: APP
spec:
  parentRefs:
    - name: public
      namespace: gateway
  hostnames:
    - APP.${domain}
  rules:
    - backendRefs:
        - name: APP
          port: 80
";

const OVERLAY: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: default
resources:
  - ../../base/APP
patches:
  - path: replicas.yaml
  - target:
      kind: Service
    patch: |
      - op: add
        path: /metadata/annotations
        value:
          fleet.example.com/cluster: CLUSTER
images:
  - name: ghcr.io/example/APP
    newTag: 1.4.2
";

const PATCH: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: APP
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: app
          env:
            - name: LOG_LEVEL
              value: warning
";

const KUSTOMIZATION: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: APP
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps/CLUSTER/APP
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
  postBuild:
    substitute:
      domain: DOMAIN
";

const SYNC: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 1m
  ref:
    branch: main
  url: ssh://git@github.com/example/fleet
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 10m
  path: ./clusters/CLUSTER
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
";
