"""The windows of this floor; importing them registers them."""

from serving.admin import decisions as decisions
from serving.admin import deployments as deployments
from serving.admin import facts as facts
from serving.admin import resolutions as resolutions
