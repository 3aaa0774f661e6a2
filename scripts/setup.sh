# setup.sh: sourced by run and test: installs what is missing on Debian and Ubuntu, quietly, with sudo only when needed.

# setup_packages NAME...: the Debian packages that must be there.
setup_packages() {
    local missing=() name
    for name in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if ! command -v apt-get >/dev/null; then
        echo "These packages are missing: ${missing[*]}; install them with this system's package manager." >&2
        return 1
    fi
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing: ${missing[*]}; run 'apt-get install ${missing[*]}' as root." >&2
            return 1
        fi
        sudo=(sudo)
    fi
    echo "Installing: ${missing[*]}" >&2
    local log
    log=$(mktemp)
    if ! { "${sudo[@]}" apt-get update -qq && "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

BUILD_PACKAGES=(gcc g++ libc6-dev make cmake ninja-build pkg-config
    libavcodec-dev libavformat-dev libavutil-dev libswscale-dev libavfilter-dev
    libdnnl-dev libjansson-dev libchipmunk-dev libchafa-dev libglib2.0-dev
    fonts-dejavu-core)
TEST_PACKAGES=(libcriterion-dev ffmpeg man-db python3 python3-venv)
