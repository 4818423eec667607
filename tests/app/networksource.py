"""What the source of a network may be made of: how tests tell that nothing of a client's became code."""

import ast
import re
from collections.abc import Iterator

from compute.network.kinds import KINDS

NODES = (
    ast.Module, ast.Expr, ast.Constant, ast.Import, ast.ImportFrom, ast.alias, ast.ClassDef, ast.FunctionDef,
    ast.arguments, ast.arg, ast.Attribute, ast.Name, ast.Load, ast.Store, ast.Call, ast.keyword, ast.Assign, ast.Return,
    ast.If, ast.Compare, ast.Eq, ast.With, ast.withitem, ast.BinOp, ast.Add, ast.BitOr, ast.Tuple, ast.List,
    ast.ListComp, ast.GeneratorExp, ast.comprehension, ast.Subscript, ast.Starred, ast.UnaryOp, ast.USub,
)  # fmt: skip
CALLS = re.compile(
    rf"nn\.({'|'.join(KINDS)}|ModuleList)|SplitConv2d|super|super\(\)\.__init__|torch\.(cat|split|randn|no_grad)|zip|print|sum"
    r"|tuple|model|model\.parameters|parameter\.numel|conv|self\.[A-Za-z]\w*|[A-Z]\w*\(\)\.eval|[A-Z]\w*"
)
NAMES = re.compile(
    r"torch|nn|Tensor|self|super|int|list|tuple|zip|print|sum|conv|part|parts|inputs|outputs|options|sizes|kernel_size|model"
    r"|image|parameter|__name__|SplitConv2d|NAME|SOURCE|CONVENTION|[xyzuvw]|x\d+|_|[A-Z]\w*"
)


def strange(source: str) -> list[str]:
    """What generated source must not have: other nodes, calls, names and imports than its templates, other strings than
    its three constants, docstrings and words to print."""
    found = []
    for node in ast.walk(tree := ast.parse(source)):
        match node:
            case ast.Import() | ast.ImportFrom() if ast.unparse(node) not in (
                "import torch", "from torch import Tensor, nn", "from torch import nn",
            ):  # fmt: skip
                found.append(f"Import {node.names[0].name}")
            case ast.Call() if not CALLS.fullmatch(ast.unparse(node.func)):
                found.append(f"call {ast.unparse(node.func)}")
            case ast.Name() if not NAMES.fullmatch(node.id):
                found.append(f"name {node.id}")
            case _ if not isinstance(node, NODES):
                found.append(type(node).__name__)
    return [*found, *(f"a string in {type(place).__name__}" for place in _strings(tree))]


def _strings(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements with a string that are neither constants, nor documentation, nor the script's last lines."""
    script = (node for node in tree.body if isinstance(node, ast.If))
    known = {id(part) for node in script for part in ast.walk(node)}
    for node in ast.walk(tree):
        if (
            not isinstance(node, ast.stmt)
            or isinstance(node, ast.ClassDef | ast.FunctionDef | ast.If)
            or id(node) in known
        ):
            continue
        plain = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("NAME", "SOURCE", "CONVENTION")
        named = named and isinstance(node.value, ast.Constant)
        if (
            not plain
            and not named
            and any(isinstance(p, ast.Constant) and isinstance(p.value, str) for p in ast.walk(node))
        ):
            yield node
