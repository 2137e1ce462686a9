# The environment of requirements.lock in a container. CPU build of torch; for a GPU see README, set-up.
# Not built by the tests: docker build -t receipts . && docker run --rm -it -v "$PWD":/home/researcher/project receipts
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    ca-certificates \
    git \
    make \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home researcher
USER researcher
WORKDIR /home/researcher/project

# The pins come first: they change seldom, and the layer that holds them is the large one.
COPY --chown=researcher requirements.lock cuda.txt pyproject.toml Makefile README.md LICENSE ./
COPY --chown=researcher src ./src
ENV UV_TORCH_BACKEND=cpu
RUN make env

COPY --chown=researcher . .
CMD ["make", "repro"]
