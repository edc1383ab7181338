FROM python:3.13-slim
WORKDIR /app
COPY requirements/base.txt requirements/base.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt
COPY . .
RUN useradd --system zusage && mkdir -p .local && chown zusage .local
USER zusage
