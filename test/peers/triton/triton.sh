#!/usr/bin/env bash
# A real NVIDIA Triton Inference Server 2.51 (24.10) from pip packages: CPU only, Python backend, on loopback.
#   triton.sh install              into the user's cache (about 400 MB)
#   triton.sh python <arguments>   a Python that has the public tritonclient
#   triton.sh bench <millrace>     rows a second, beside those of Triton's own load generator
#   triton.sh with <command...>    starts a server on free ports, runs the command with MILLRACE_TRITON_ENDPOINT
#                                  (http://…) and MILLRACE_TRITON_GRPC (grpc://…) set to it, stops the server, and exits
#                                  with the command's code
# The nvidia-pytriton wheel (manylinux_2_35: glibc >= 2.35, x86-64) carries tritonserver, the Python backend and its stubs
# for CPython 3.8 to 3.13; the server is started directly, PyTriton itself is not used.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../lib.sh"
# The server; then the public client with what it needs for HTTP and gRPC. The list is complete.
pins=(nvidia-pytriton==0.7.0 numpy==1.26.4
  tritonclient==2.73.0 geventhttpclient==2.6.1 gevent==26.9.0 python-rapidjson==1.25 greenlet==3.5.6
  grpcio==1.85.1 protobuf==6.33.6 packaging==26.3 typing_extensions==4.16.0
  urllib3==2.8.0 brotli==1.2.1 certifi==2026.10.18 zope.event==6.2 zope.interface==8.7 ml_dtypes==0.5.4)
home=$cache/triton-$(printf '%s\n' "${pins[@]}" | sha256sum | cut -c1-16)
python=${PYTHON:-python3}

site() { "$home/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

install() {
  [[ -e $home/complete ]] && return
  mkdir -p "$home"
  "$python" -m venv "$home/venv"
  "$home/venv/bin/pip" install -q --only-binary :all: --no-deps "${pins[@]}" 1>&2
  local site version
  site=$(site)
  version=$("$home/venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  rm -rf "$home/server"
  mkdir -p "$home/server/lib"
  cp -r "$site/pytriton/tritonserver/"{bin,backends,caches} "$home/server/"
  cp "$site/pytriton/tritonserver/python_backend_stubs/$version/triton_python_backend_stub" \
    "$home/server/backends/python/"
  chmod +x "$home/server/bin/tritonserver" "$home/server/backends/python/triton_python_backend_stub"
  # The stub has to load this interpreter's own libpython: another patch release's does not fit its library.
  "$home/venv/bin/python" - "$home/server/lib" << 'P'
import os, sys, sysconfig

for folder in (sysconfig.get_config_var("LIBDIR"),
               os.path.join(sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("MULTIARCH") or "")):
    library = os.path.join(folder or "", sysconfig.get_config_var("INSTSONAME") or "")
    if ".so" in library and os.path.exists(library):
        os.symlink(library, os.path.join(sys.argv[1], os.path.basename(library)))
        break
P
  touch "$home/complete"
}

# The load generator that runs on glibc 2.36.
install_perf() {
  [[ -e $home/perf/bin/libb64.so.0d ]] && return
  rm -rf "$home/perf"
  "$home/venv/bin/pip" install -q --only-binary :all: --no-deps --target "$home/perf" tritonclient==2.51.0 1>&2
  # It asks for libraries of the server's wheel by the names that they have elsewhere.
  ln -sf "$(site)"/nvidia_pytriton.libs/libcudart-*.so.12* "$home/perf/bin/libcudart.so.12"
  ln -sf "$(site)"/nvidia_pytriton.libs/libb64-*.so.0d "$home/perf/bin/libb64.so.0d"
}

with() {
  local port grpc_port work server code=0
  read -r port grpc_port < <("$python" "$here/../free_ports.py" 2)
  work=$(mktemp -d)
  cp -r "$here/models" "$work/models" # the stubs leave a __pycache__ beside each model
  LD_LIBRARY_PATH="$home/server/lib:$(site)/nvidia_pytriton.libs" PATH="$home/venv/bin:$PATH" \
    "$home/server/bin/tritonserver" --model-repository="$work/models" \
    --backend-directory="$home/server/backends" --cache-directory="$home/server/caches" \
    --backend-config=python,shm-region-prefix-name="triton$port-" \
    --backend-config=python,shm-default-byte-size=1048576 \
    --http-address=127.0.0.1 --http-port="$port" --grpc-address=127.0.0.1 --grpc-port="$grpc_port" --allow-metrics=false \
    --exit-timeout-secs=5 > "$work/log" 2>&1 < /dev/null &
  server=$!
  for _ in $(seq 300); do
    curl -fs -o /dev/null "http://127.0.0.1:$port/v2/health/ready" && break
    kill -0 "$server" 2> /dev/null || break
    sleep 0.2
  done
  if curl -fs -o /dev/null "http://127.0.0.1:$port/v2/health/ready"; then
    MILLRACE_TRITON_ENDPOINT=http://127.0.0.1:$port MILLRACE_TRITON_GRPC=grpc://127.0.0.1:$grpc_port \
      "$@" || code=$?
  else
    tail -40 "$work/log"
    code=1
  fi
  kill "$server" 2> /dev/null || true
  wait "$server" 2> /dev/null || true
  rm -rf "$work"
  return $code
}

[[ $(uname -m) == x86_64 ]] || skip "there is no Triton wheel for this machine; it needs x86-64"
command -v curl > /dev/null || skip "curl is missing: apt-get install curl"
case ${1:-} in
  install) install ;;
  python)
    shift
    install || skip "tritonclient cannot be installed; see above, then try: test/peers/triton/triton.sh install"
    exec "$home/venv/bin/python" "$@"
    ;;
  bench)
    shift
    install || skip "Triton cannot be installed; see above, then try: test/peers/triton/triton.sh install"
    install_perf || skip "perf_analyzer cannot be installed; see above"
    with env PERF_ANALYZER="$home/perf/bin/perf_analyzer" LD_LIBRARY_PATH="$home/perf/bin" "$home/venv/bin/python" "$here/bench.py" "$@"
    ;;
  with)
    shift
    install || skip "Triton cannot be installed; see above, then try: test/peers/triton/triton.sh install"
    with "$@"
    ;;
  *)
    sed -n '2,8p' "$0"
    exit 2
    ;;
esac
