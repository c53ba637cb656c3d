#!/usr/bin/env bash
# Sets up FSMN-VAD Studio when something has changed, then runs it.
# Kept to what bash 3.2 knows, since macOS ships that.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage:
  ./run.sh [SERVE OPTIONS]           set up, fetch the model, open the page on http://127.0.0.1:7860
  ./run.sh COMMAND [OPTIONS]         a command of fsmn-vad: serve, detect, batch, stream, models,
                                     bench, history, doctor or completion
  ./run.sh test [PYTEST OPTIONS]     set up with the test tools and run the tests
  ./run.sh --lite [any of these]     set up without torch and funasr; later calls keep to that
  ./run.sh --full [any of these]     set up with them (what the first call does without --lite)
  ./run.sh COMMAND --help            help of a command

Environment:
  FSMN_VAD_PYTHON     Python to set up with (3.10 or newer; default: the first that is found)
  FSMN_VAD_VENV       directory of the environment (default: .venv beside run.sh)
  FSMN_VAD_MODEL_DIR  model directory to use as it is, in place of a fetched one
TEXT
}

say() { printf 'run.sh: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# Where this script really is, also when it was called through a link.
script=${BASH_SOURCE[0]}
while [ -L "$script" ]; do
  link=$(readlink -- "$script")
  case $link in
    /*) script=$link ;;
    *) script=$(dirname -- "$script")/$link ;;
  esac
done
root=$(CDPATH='' cd -- "$(dirname -- "$script")" && pwd -P)

venv=${FSMN_VAD_VENV:-$root/.venv}
case $venv in
  /*) ;;
  *) venv=$PWD/$venv ;;
esac
python=$venv/bin/python
# What the environment was made from ("unfinished" until set-up is done), and the extras that
# are, or then were to be, installed in it.
stamp=$venv/fsmn-vad-studio.stamp

# Print "3.11" for an interpreter; fail when it does not run.
version_of() {
  "$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

new_enough() {
  case $1 in
    3.[0-9] | 2.* | '') return 1 ;;
  esac
}

# Print what the environment depends on, as one hash.
fingerprint() {
  "$python" -I - "$root" <<'PY'
import hashlib
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
digest = hashlib.sha256(repr((str(root), sys.version_info[:2])).encode())
for name in ("pyproject.toml", "constraints.txt"):
    digest.update((root / name).read_bytes())
print(digest.hexdigest())
PY
}

# Set $recorded and $remembered to the two lines of the stamp; fail when there is none.
read_stamp() {
  recorded='' remembered=''
  [ -f "$stamp" ] && { IFS= read -r recorded && IFS= read -r remembered; } <"$stamp"
}

# True when the environment has all of $extras; sets $installed to the extras that it has.
up_to_date() {
  local extra
  installed=''
  [ -x "$python" ] && read_stamp && [ "$recorded" != unfinished ] || return 1
  installed=$remembered
  if [ -n "${FSMN_VAD_PYTHON:-}" ]; then
    [ "$(version_of "$FSMN_VAD_PYTHON")" = "$(version_of "$python")" ] || return 1
  fi
  [ "$recorded" = "$(fingerprint)" ] || return 1
  for extra in $extras; do
    case " $installed " in
      *" $extra "*) ;;
      *) return 1 ;;
    esac
  done
}

# Set $base to the Python that the environment is made with, and $version to its version.
choose_base() {
  local found=''
  if [ -n "${FSMN_VAD_PYTHON:-}" ]; then
    base=$FSMN_VAD_PYTHON
    version=$(version_of "$base") || die "FSMN_VAD_PYTHON=$base does not run. Name a Python 3.10 or newer."
    new_enough "$version" || die "FSMN_VAD_PYTHON=$base is Python $version. Name a Python 3.10 or newer."
    return
  fi
  for base in python3 python3.13 python3.12 python3.11 python3.10; do
    version=$(version_of "$base") || continue
    if new_enough "$version"; then
      return
    fi
    found=" (found only $version)"
  done
  die "Python 3.10 or newer is needed$found. Install it, or name one in FSMN_VAD_PYTHON."
}

# Wait until no other run.sh sets up this tree. The lock is on the tree's directory and held
# by file descriptor 9, so that it ends with this process, however that ends.
lock() {
  exec 9<"$root"
  if ! "$1" -I -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null; then
    say "another run.sh is setting up; waiting for it"
    "$1" -I -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' || die "cannot lock $root"
  fi
}

make_environment() {
  local current=''
  if [ -x "$python" ] && "$python" -I -m pip --version >/dev/null 2>&1; then
    current=$(version_of "$python") || current=''
    [ "$current" = "$version" ] && return
    if [ -z "${FSMN_VAD_PYTHON:-}" ] && new_enough "$current"; then
      return
    fi
  fi
  if [ -d "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
    die "$venv has other files in it. Empty it, or name another directory in FSMN_VAD_VENV."
  fi
  say "making an environment with Python $version in $venv"
  if ! "$base" -m venv --clear "$venv" >>"$log" 2>&1; then
    if grep -qE 'ensurepip|No module named .?venv' "$log"; then
      die "$base has no venv module. Install it (Debian, Ubuntu: sudo apt install python$version-venv), then run this again."
    fi
    die "$base could not make an environment in $venv. See $log"
  fi
}

# On a terminal, show the last line of pip's log until killed.
show_log() {
  local seconds=0
  [ -t 2 ] || return 0
  while kill -0 $$ 2>/dev/null; do
    printf '\r\033[K  %s s  %s' "$seconds" "$(tail -n 1 "$log" | cut -c 1-60)" >&2
    sleep 1
    seconds=$((seconds + 1))
  done
}

# Install the program with the extras of $1, a list of words.
install_packages() {
  local list=${1// /,} watcher failed=false
  say "installing packages${list:+ ($list)}; the first time takes minutes"
  show_log 9<&- &
  watcher=$!
  # shellcheck disable=SC2064 # the id is wanted as it is now
  trap "kill $watcher 2>/dev/null || true" EXIT
  (
    CDPATH='' cd -- "$root"
    "$python" -m pip install --disable-pip-version-check --no-input \
      --constraint constraints.txt --editable ".${list:+[$list]}"
  ) </dev/null >>"$log" 2>&1 || failed=true
  kill $watcher 2>/dev/null || true
  wait $watcher 2>/dev/null || true
  trap - EXIT
  if [ -t 2 ]; then
    printf '\r\033[K' >&2
  fi
  if [ "$failed" = true ]; then
    die "$(explain_pip)"
  fi
}

# Say in one line why pip failed.
explain_pip() {
  local unreachable='NewConnectionError|ConnectTimeout|Connection refused|Connection aborted'
  unreachable="$unreachable|name resolution|Network is unreachable|Read timed out|ProxyError|SSLError"
  local network='Check the network (a proxy: HTTPS_PROXY; a mirror: PIP_INDEX_URL), then run this again'
  local lacking
  lacking=$(sed -n 's/^ERROR: No matching distribution found for //p' "$log" | tail -n 1)
  if grep -qE "$unreachable" "$log"; then
    echo "the package registry cannot be reached. $network. Details: $log"
  elif grep -q 'No space left on device' "$log"; then
    echo "the disk is full. Free some space (or use --lite), then run this again. Details: $log"
  elif grep -q '(from versions: none)' "$log"; then
    # pip says the same for a registry that it could not ask and for one that has nothing.
    echo "the package registry cannot be reached or has no $lacking for this machine. $network. Details: $log"
  elif [ -n "$lacking" ]; then
    echo "the package registry has no $lacking for Python $version on this machine. Details: $log"
  else
    echo "installing the packages failed. Details: $log"
  fi
}

# Print the extras to install: what is there already stays, and stays consistent with what is added.
all_extras() {
  # shellcheck disable=SC2086 # both are lists of words
  printf '%s\n' $extras $installed | sort -u | paste -sd' ' -
}

write_stamp() {
  printf '%s\n%s\n' "$1" "$2" >"$stamp.new"
  mv -f -- "$stamp.new" "$stamp"
}

set_up() {
  local list
  choose_base
  lock "$base"
  # Another run.sh may have done it while this one waited.
  if ! up_to_date; then
    log=$(mktemp "${TMPDIR:-/tmp}/fsmn-vad-setup.XXXXXX")
    make_environment
    list=$(all_extras)
    write_stamp unfinished "$list"
    install_packages "$list"
    write_stamp "$(fingerprint)" "$list"
    rm -f -- "$log"
  fi
  exec 9<&-
}

# Fetch the model, where the command needs one that is not here yet.
ensure_model() {
  local engine='' argument
  case $command in
    serve | detect | batch | stream | bench | test) ;;
    *) return 0 ;;
  esac
  for argument in "$@"; do
    case $argument in
      -h | --help) return 0 ;;
    esac
  done
  if [ "$edition" = lite ]; then
    engine=onnx
  fi
  "$python" -I -c 'import sys; from webui import weights; weights.find(engine=sys.argv[1] or None)' \
    "$engine" 2>/dev/null && return
  "$venv/bin/fsmn-vad" models fetch </dev/null >&2
}

note_browser() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then
      return 0
    fi
  done
  if [ ! -d '/Applications/Google Chrome.app' ] && [ ! -d '/Applications/Chromium.app' ]; then
    say "no Chromium or Chrome is installed: the browser tests are skipped"
  fi
}

# Set $edition, where no option did: what the environment was last set up for, else full.
keep_edition() {
  [ -n "$edition" ] && return
  edition=full
  if read_stamp; then
    case " $remembered " in
      *' funasr '*) ;;
      *) edition=lite ;;
    esac
  fi
  if [ "$edition" = lite ] && [ "$command" = serve ]; then
    say "FunASR is not installed here (--lite); to add it and torch, 2.3 GB: ./run.sh --full"
  fi
}

edition=''
case ${1:-} in
  --lite | --full)
    edition=${1#--}
    shift
    ;;
esac
# Mistakes are found here, before anything is installed.
case ${1:-} in
  -h | --help)
    usage
    exit
    ;;
  '' | --host | --host=* | --port | --port=* | --profile | --profile=* | --mcp | --no-mcp) command=serve ;;
  serve | detect | batch | stream | models | bench | history | doctor | completion | test)
    command=$1
    shift
    ;;
  *)
    say "there is no command or option $1"
    usage >&2
    exit 2
    ;;
esac
keep_edition
extras=''
if [ "$edition" = full ]; then
  extras=funasr
fi
if [ "$command" = test ]; then
  extras="$extras test"
fi

up_to_date || set_up
ensure_model "$@"
if [ "$command" = test ]; then
  note_browser
  cd -- "$root"
  exec "$python" -m pytest "$@"
fi
exec "$venv/bin/fsmn-vad" "$command" "$@"
