"""Optimizers: what changes the parameters after backward."""

from pydp.optim._adadelta import Adadelta as Adadelta
from pydp.optim._adagrad import Adagrad as Adagrad
from pydp.optim._adam import Adam as Adam
from pydp.optim._adam import AdamW as AdamW
from pydp.optim._adamax import Adamax as Adamax
from pydp.optim._optimizer import Optimizer as Optimizer
from pydp.optim._optimizer import ParameterGroup as ParameterGroup
from pydp.optim._rmsprop import RMSprop as RMSprop
from pydp.optim._sgd import SGD as SGD
