"""The product's addresses, and those of the references."""

from django.urls import path

from governance.urls import urlpatterns as product
from tests.benchmarks.scoring.references import Constant, Interventional, PathDependent

urlpatterns = [
    *product,
    path("r1/", PathDependent.as_view()),
    path("r2/", Interventional.as_view()),
    path("floor/", Constant.as_view()),
]
