# The gateway as an image: built as wheels in one stage, run without compilers, package index or root in the other.
#   docker build -t pollution-gateway .
#   docker run --init -v $PWD/etc:/etc/pollution-gateway:ro -v pollution-data:/var/lib/pollution-gateway pollution-gateway

FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY detectors detectors
COPY gateway gateway
COPY simulators simulators
RUN pip wheel --no-cache-dir --constraint constraints.txt --wheel-dir /wheels .

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels /wheels/pollution_video_gateway-*.whl \
    && useradd --system --uid 10001 --home-dir /var/lib/pollution-gateway --create-home gateway
USER 10001
WORKDIR /var/lib/pollution-gateway
VOLUME /var/lib/pollution-gateway
EXPOSE 8080
# No curl in the image. The port is that of the shipped configuration (api.port).
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
# SIGTERM: stop reading, store what is journalled, close. The exec form makes the gateway receive it.
STOPSIGNAL SIGTERM
ENTRYPOINT ["gateway"]
CMD ["run", "/etc/pollution-gateway/gateway.toml"]
