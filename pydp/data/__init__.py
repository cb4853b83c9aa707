"""Data: sets that come with pydp, and the loader that cuts arrays into batches."""

from pydp.data._batches import Batches as Batches
from pydp.data._digits import DataError as DataError
from pydp.data._digits import Split as Split
from pydp.data._digits import digits as digits
