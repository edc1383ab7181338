# One image for every process; docker-compose.yml says which of them runs. It was written without a Docker at hand:
# each step is what `make setup` does, in the same order; only here static files are collected and modules compiled.
FROM python:3.13-slim AS build
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements/base.txt requirements/extras.txt requirements/node.txt requirements/
# Anything but nothing also installs what SENTRY_DSN and OTEL_EXPORTER_OTLP_ENDPOINT need.
ARG EXTRAS=
RUN /venv/bin/pip install --require-hashes -r requirements/base.txt ${EXTRAS:+-r requirements/extras.txt}
# Node is needed only here: to fetch the style sheets and scripts that package-lock.json names with their hashes.
RUN /venv/bin/pip install --require-hashes --target /node -r requirements/node.txt
COPY . .
# `assets` warns and goes on without a network, and an image without style sheets is none.
RUN PYTHONPATH=/node /venv/bin/python manage.py assets && test -f static/vendor/.stamp \
 && /venv/bin/python manage.py compile_messages \
 && /venv/bin/python manage.py collectstatic --no-input \
 && rm -rf .local/assets && /venv/bin/python -m compileall -q .

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOG_FORMAT=json MEDIA_ROOT=/var/lib/zusage/media
WORKDIR /app
# A new volume takes the owner of the folder that it is put over by its first container.
RUN useradd --system --uid 10001 --user-group --no-create-home zusage \
 && install --directory --owner zusage --group zusage --mode 0750 \
    /var/lib/zusage /var/lib/zusage/media /var/lib/zusage/erasures /var/lib/zusage/anchors \
    /var/lib/zusage/sandbox
COPY --from=build /venv /venv
COPY --from=build /app /app
USER 10001:10001
