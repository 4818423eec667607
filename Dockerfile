FROM python:3.11-slim-bookworm

# An index of torch's CPU wheels. Empty: PyPI, whose x86-64 torch carries several GB of CUDA libraries.
ARG TORCH_INDEX=""

WORKDIR /srv/groupscope
RUN useradd --create-home groupscope

# Only what names the dependencies: editing code does not install them again.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY app/__init__.py app/
COPY compute/__init__.py compute/
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -c constraints.txt -e .

COPY . .
RUN python -m compileall -q app compute
USER groupscope
ENV GROUPSCOPE_HOST=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --start-period=30s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "app"]
