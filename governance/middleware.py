"""What only pages need."""

from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest

from audit.problems import is_of_api


class PageMessages(MessageMiddleware):
    """Django's messages to a person on the next page, made ready for pages alone: an API has none."""

    def process_request(self, request: HttpRequest) -> None:
        if not is_of_api(request):
            super().process_request(request)
