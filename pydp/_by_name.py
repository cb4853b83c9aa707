"""A model by what is written on a command line.

    AlexNet                         nn.AlexNet()
    nn.LSTM(3, 8) ** 2              an expression of modules: calls with literals, `>>` and `**`
    mymodule:net                    what mymodule has under this name; called, if it can be

Expressions are read as a tree in which nothing but these stands; they are not evaluated as Python.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import sys
from typing import Any

import pydp
from pydp import nn


class UnknownError(ValueError):
    """What is written is no model."""


def model(text: str) -> nn.Module:
    """The module that a text stands for, or UnknownError."""
    module, colon, path = text.partition(":")
    if colon and all(part.isidentifier() for part in [*module.split("."), *path.split(".")]):
        return _made(_imported(module, path), text)
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise UnknownError(f"{text!r} is neither an expression nor module:name") from None
    return _made(_value(tree), text)


def signature(text: str) -> str:
    """The type of what a text stands for: a model, or a box or function by its name, whose general
    type its documentation says."""
    name = text.removeprefix("nn.").removeprefix("pydp.")
    found = getattr(nn, name, None) or getattr(pydp, name, None) if name.isidentifier() else None
    if callable(found) and not name.startswith("_"):
        try:
            return str(model(text).signature)
        except UnknownError:
            said = re.search(r"(?:Shape|Type): ``(.+?)``", found.__doc__ or "", re.DOTALL)
            if said:
                return " ".join(said[1].split())
    return str(model(text).signature)


def _made(found: Any, text: str) -> nn.Module:
    """A class or function is called without arguments."""
    if not isinstance(found, nn.Module) and callable(found):
        try:
            found = found()
        except TypeError as error:
            raise UnknownError(f"{text} cannot be made without arguments: {error}") from None
    if not isinstance(found, nn.Module):
        raise UnknownError(f"{text} is no module but {type(found).__name__}")
    return found


def _imported(module: str, path: str) -> Any:
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise UnknownError(f"{module}:{path}: {error}") from None
    finally:
        sys.path.remove(os.getcwd())
    return found


def _value(tree: ast.AST) -> Any:
    """The value of an expression of modules."""
    match tree:
        case ast.Name(id=name):
            return nn if name == "nn" else _attribute(nn, name)
        case ast.Attribute(value=ast.Name(id="nn"), attr=name):
            return _attribute(nn, name)
        case ast.Call(func=function, args=arguments, keywords=keywords):
            given = {str(k.arg): _value(k.value) for k in keywords}
            made = _value(function)
            return made(*[_value(a) for a in arguments], **given)
        case ast.BinOp(left=left, op=ast.RShift(), right=right):
            return _value(left) >> _value(right)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _value(left) ** _value(right)
    try:
        return ast.literal_eval(ast.unparse(tree))
    except ValueError:
        raise UnknownError(f"{ast.unparse(tree)} is neither a box nor a literal") from None


def _attribute(owner: Any, name: str) -> Any:
    found = getattr(owner, name, None)
    if name.startswith("_") or not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UnknownError(f"there is no box {name} in pydp.nn")
    return found
