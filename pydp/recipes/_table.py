"""The closed table of recipes, and models from the files that recipes wrote.

A file's metadata names its recipe and the arguments of its model. The name is looked up here and
the arguments must be the recipe's own, so a file can ask for nothing else.
"""

from __future__ import annotations

import json
import os

import pydp
from pydp.checkpoint import CheckpointError
from pydp.nn import Module
from pydp.recipes import _digits
from pydp.recipes._recipe import Recipe, RecipeError

RECIPES = {recipe.name: recipe for recipe in (_digits.RECIPE,)}


def load(path: str | os.PathLike[str]) -> tuple[Recipe, Module]:
    """The model in a file that a recipe wrote, ready to predict; RecipeError where it is none."""
    try:
        state = pydp.load(path)
    except CheckpointError as error:
        raise RecipeError(str(error).removeprefix("load: ")) from None
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from None
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror or error}") from None
    recipe = RECIPES.get(state.metadata.get("recipe", ""))
    if recipe is None:
        known = ", ".join(RECIPES)
        raise RecipeError(f"{path}: names no recipe ({known}): was it written by pydp train?")
    try:
        arguments = json.loads(state.metadata.get("arguments", ""))
        if arguments != dict(recipe.arguments):
            raise ValueError(f"arguments {arguments}, expected {dict(recipe.arguments)}")
        model = recipe.model(**recipe.arguments)
        model.load_state_dict(state)
    except (ValueError, TypeError, RecursionError) as error:
        raise RecipeError(f"{path}: no model of recipe {recipe.name}: {error}") from None
    model.eval()
    return recipe, model
