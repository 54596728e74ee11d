"""What people made of the decision: corrections, resolutions and reviews."""

from django.contrib import admin

from serving.admin import chain
from serving.admin.decision_parts.parts import Part
from serving.models import Decision


@admin.display(description="In order")
def in_order(decision: Decision) -> str:
    return chain.chain(decision)


@admin.display(description="What people said")
def persons_reasons(decision: Decision) -> str:
    return chain.persons_reasons(decision)


WHAT_BECAME = Part("What became of it", (in_order,))
SAID = Part("What people said", (persons_reasons,), of_few=True)
