"""Recipes: what `python -m pydp train` can train."""

from pydp.recipes._recipe import InputError as InputError
from pydp.recipes._recipe import Recipe as Recipe
from pydp.recipes._recipe import RecipeError as RecipeError
from pydp.recipes._table import RECIPES as RECIPES
from pydp.recipes._table import load as load
