# A small image: Python's slim base, PyTorch's CPU build, no system library besides (OpenCV is the one without libGL).
#   docker build -t anchorfit .
#   docker run --rm -v "$PWD:/data" anchorfit fit photo.jpg -o results
# No daemon was at hand: its steps were run as root in a chroot of Debian 12 (debootstrap --variant=minbase, Python 3.11,
# the same wheel of PyTorch from a folder), 2026-11-29: `anchorfit demo` ran through, 1.7 GB with the system, no libGL.
FROM python:3.12-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY . /source
RUN python -m pip install --no-cache-dir torch==2.13.0 --index-url "$TORCH_INDEX" \
    && python -m pip install --no-cache-dir -c /source/constraints.txt /source \
    && rm -rf /source
ENV OMP_NUM_THREADS=1
WORKDIR /data
ENTRYPOINT ["anchorfit"]
CMD ["demo"]
