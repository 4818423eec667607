"""Where an answer leads: OpenAPI's links, from the id that one answer holds to the addresses that take it.

Written where the id is made, and pointed at addresses by path and method, so that no route has to be named twice.
"""

from typing import Any

Links = dict[str, dict[str, Any]]
ID = "$response.body#/id"


def links(parameter: str, expression: str, *addresses: str, **fixed: str) -> Links:
    """Links that hand what `expression` finds in an answer to `parameter` of each of `addresses`, such as
    "GET /api/images/{image_id}"; in the path where the address has it there, else in the query. fixed: what else the
    query must say for it to count."""
    return {_name(address): _link(parameter, expression, address, fixed) for address in addresses}


def _link(parameter: str, expression: str, address: str, fixed: dict[str, str]) -> dict[str, Any]:
    method, path = address.split()
    pointer = path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    place = "path" if f"{{{parameter}}}" in path else "query"
    return {
        "operationRef": f"#/paths/{pointer}/{method.lower()}",
        "parameters": {f"{place}.{parameter}": expression, **{f"query.{name}": text for name, text in fixed.items()}},
    }


def _name(address: str) -> str:
    """OpenAPI allows letters, digits, dots, dashes and underscores."""
    return "".join(c if c.isalnum() else "_" for c in address).strip("_")
