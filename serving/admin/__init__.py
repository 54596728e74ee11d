"""The windows of this floor; importing them registers them."""

from serving.admin import decisions as decisions
from serving.admin import deployments as deployments
from serving.admin import facts as facts
from serving.admin import letters as letters
from serving.admin import notices as notices
from serving.admin import replays as replays
from serving.admin import resolutions as resolutions
