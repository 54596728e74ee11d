"""What the address of a database says counts."""

from governance.settings import database


def test_what_the_address_says_of_the_connection_is_kept():
    address = "postgres://a:b@db/credence?sslmode=verify-full&options=-c%20lock_timeout%3D5s"

    options = database(address)["OPTIONS"]

    assert options["sslmode"] == "verify-full"
    assert options["options"] == "-c lock_timeout=5s -c plan_cache_mode=force_generic_plan"
