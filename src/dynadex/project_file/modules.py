"""The project's own Python files, looked at without running them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from dynadex.project_file.sections import Shape, listed, quoted, suggestion

TRANSFORM = Shape(
    r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*",
    '"module:function", the module being a .py file next to dynadex.toml',
)
MODULE = Shape(r"[A-Za-z_]\w*(\.py)?", "the name of a .py file or of a package's folder next to dynadex.toml")

# The project's modules lie beside these in the function package and come before Python's own.
_TAKEN = sys.stdlib_module_names | {"dynadex", "orjson", "urllib3", "awscrt", "fastjsonschema"}


def transform_mistake(directory: Path, transform: str) -> str | None:
    """What is wrong with a transform of the right shape: its module is missing, is not Python or lacks the function."""
    module, function = transform.split(":")
    if taken := _taken(module):
        return taken
    base = directory.joinpath(*module.split("."))
    file = next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None)
    if file is None:
        close = suggestion(module, (file.stem for file in directory.glob("*.py")))
        return f"no such file next to dynadex.toml: {module.replace('.', '/')}.py{close}"
    name = file.relative_to(directory)
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError as error:
        return f"{name} is not Python: line {error.lineno}, column {error.offset}: {error.msg}"
    except (ValueError, OSError) as error:
        return f"{name} cannot be read: {error}"
    defined = dict(_definitions(tree))
    match defined.get(function):
        case None:
            functions = [name for name, node in defined.items() if isinstance(node, ast.FunctionDef)]
            close = suggestion(function, functions)
            return f"{name} has no function {quoted(function)}{close}; it has: {listed(functions) or 'none'}"
        case ast.AsyncFunctionDef():
            return f"{name}: {function} is async; allowed: a plain function of one item"
        case ast.ClassDef():
            return f"{name}: {function} is a class; allowed: a plain function of one item"
        case ast.FunctionDef(args=arguments) if not _takes_one(arguments):
            return f"{name}: {function} cannot be called with one item; allowed: def {function}(item)"
    return None


def module_mistake(directory: Path, module: str) -> str | None:
    path = directory / module
    if taken := _taken(path.stem):
        return taken
    if not (path.is_file() if module.endswith(".py") else path.is_dir()):
        kind = "file" if module.endswith(".py") else "folder"
        close = suggestion(module, (path.name for path in directory.iterdir() if MODULE.fits(path.name)))
        return f"no such {kind} next to dynadex.toml: {quoted(module)}{close}"
    return None


def _taken(module: str) -> str | None:
    top = module.partition(".")[0]
    return (
        f"a module {quoted(top)} would hide the one that Python or dynadex needs; rename it" if top in _TAKEN else None
    )


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """The names that the module binds on its top level, with the statement that does."""
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node
            case ast.Assign(targets=targets):
                yield from ((target.id, node) for target in targets if isinstance(target, ast.Name))
            case ast.ImportFrom(names=names):
                yield from ((name.asname or name.name, node) for name in names)


def _takes_one(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    optional_keywords = all(default is not None for default in arguments.kw_defaults)
    return required <= 1 and (positional >= 1 or arguments.vararg is not None) and optional_keywords
