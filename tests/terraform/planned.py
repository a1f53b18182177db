"""Prints what a plan makes, one line each: reads what `terraform test -json -verbose` writes from stdin."""

import json
import sys


def planned_resources(lines):
    """Yields type and planned values of each resource; values that are known after the apply alone are absent."""
    for line in lines:
        message = json.loads(line)
        if message["type"] == "test_plan":
            for resource in message["test_plan"]["resource_changes"]:
                if resource["change"]["actions"] == ["create"]:
                    yield resource["type"], resource["change"]["after"]


def pool(values):
    """Returns the line of a node pool, which has either a number of nodes or bounds."""
    sizing = tuple(values.get(field) for field in ("auto_scale", "node_count", "min_nodes", "max_nodes"))
    match sizing:
        case (False, int(count), None, None):
            nodes = f"{count} nodes"
        case (True, None, int(least), int(most)) if least < most:
            nodes = f"{least} to {most} nodes"
        case _:
            sys.exit(f"node pool {values['name']}: auto_scale, node_count, min_nodes and max_nodes are {sizing}")
    return f"node pool {values['name']}: {nodes} {values['size']}"


def describe(kind, values):
    """Yields the lines of one resource."""
    match kind:
        case "digitalocean_vpc":
            addresses = values.get("ip_range", "of DigitalOcean's choice")
            yield f"network {values['name']} in {values['region']}: addresses {addresses}"
        case "digitalocean_kubernetes_cluster":
            availability = "highly available" if values["ha"] else "one control plane"
            yield f"cluster {values['name']} in {values['region']}: {availability}"
            yield from map(pool, values["node_pool"])
        case "digitalocean_kubernetes_node_pool":
            yield pool(values)
        case _:
            yield f"{kind} {values}"


if __name__ == "__main__":
    resources = planned_resources(sys.stdin)
    print("\n".join(sorted(line for kind, values in resources for line in describe(kind, values))))
