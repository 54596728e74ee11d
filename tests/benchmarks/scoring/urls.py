"""The addresses of the references, and the product's, which end in one that takes everything."""

from django.urls import path

from governance.urls import urlpatterns as product
from tests.benchmarks.scoring.references import Constant, Interventional, PathDependent

urlpatterns = [
    path("r1/", PathDependent.as_view()),
    path("r2/", Interventional.as_view()),
    path("floor/", Constant.as_view()),
    *product,
]
