#!/bin/sh
# Run once by the database's container, on an empty volume: the role that the service connects as. It owns nothing;
# `manage.py migrate`, as the owner, gives it the rights that it needs and no others.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$SERVICE_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE credence_service LOGIN PASSWORD :'password';
SQL
