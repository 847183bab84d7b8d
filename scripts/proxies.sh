# Shared by the scripts that play the proxies of docs/tls.md with the files in config/ (source it, behind lib.sh): ports, name,
# certificate and nodes are replaced. $DIR is their folder; they listen at $http and $https, and the two nodes at $first + 1 and + 2.
# shellcheck shell=bash disable=SC2154  # what the script defines

# A certificate of its own signature, which the clients trust.
make_certificate() {
    mkdir -p "$DIR/tls"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -addext 'basicConstraints=critical,CA:TRUE' \
        -keyout "$DIR/tls/privkey.pem" -out "$DIR/tls/fullchain.pem" 2>"$DIR/openssl.log"
    cat "$DIR/tls/fullchain.pem" "$DIR/tls/privkey.pem" >"$DIR/tls/haproxy.pem"
    export NODE_EXTRA_CA_CERTS=$DIR/tls/fullchain.pem
}

start_nginx() {
    local globals="daemon off;" number
    cp -r "$ROOT"/config/nginx*.conf "$DIR/tls" "$DIR/nginx/"
    sed -i 's/include nginx.plain.conf;/include nginx.tls.conf;/' "$DIR/nginx/nginx.conf"
    sed -i "s/listen 80;/listen 127.0.0.1:$http;/; s/listen 443 /listen 127.0.0.1:$https /" "$DIR/nginx/nginx.tls.conf"
    for number in 1 2; do
        echo "server 127.0.0.1:$((first + number)) max_fails=3 fail_timeout=2s;"
    done >"$DIR/nginx/nginx.nodes.conf"
    # As root, nginx would run its workers as a user who may lack access to this folder.
    [ "$(id -u)" != 0 ] || globals+=" user root;"
    spawn nginx nginx -e stderr -p "$DIR/nginx/" -c "$DIR/nginx/nginx.conf" -g "$globals"
}

start_caddy() {
    { printf '{\n\tadmin off\n\thttp_port %s\n\thttps_port %s\n\tskip_install_trust\n}\n' "$http" "$https" && cat config/Caddyfile; } |
        sed "s#^chat.example.org {#localhost {\n\tbind 127.0.0.1\n\ttls $DIR/tls/fullchain.pem $DIR/tls/privkey.pem#" |
        sed "s/127.0.0.1:8001 127.0.0.1:8002/127.0.0.1:$((first + 1)) 127.0.0.1:$((first + 2))/" >"$DIR/caddy/Caddyfile"
    HOME=$DIR/caddy XDG_DATA_HOME=$DIR/caddy XDG_CONFIG_HOME=$DIR/caddy \
        spawn caddy caddy run --config "$DIR/caddy/Caddyfile" --adapter caddyfile
}

start_haproxy() {
    sed "s/bind :80$/bind 127.0.0.1:$http/; s/bind :443 /bind 127.0.0.1:$https /; s#/etc/haproxy/chinwag.pem#$DIR/tls/haproxy.pem#
        s/127.0.0.1:8001/127.0.0.1:$((first + 1))/; s/127.0.0.1:8002/127.0.0.1:$((first + 2))/" \
        config/haproxy.cfg >"$DIR/haproxy/haproxy.cfg"
    spawn haproxy haproxy -db -f "$DIR/haproxy/haproxy.cfg"
}

starts() {
    mkdir -p "$DIR/$proxy"
    "start_$proxy"
    local tries
    for tries in {1..100}; do
        [ "$(ask /health/ready -o /dev/null -w '%{http_code}')" != 200 ] || return 0
        pid_of "$proxy" >/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$DIR/$proxy.log"
    echo "$proxy does not start ($tries tries)"
    return 1
}

# ask PATH OPTION …  asks the proxy.
ask() { curl -s -m 10 --cacert "$DIR/tls/fullchain.pem" "${@:2}" "https://localhost:$https$1"; }

# under_load COMMAND …  runs a command while clients use the proxy. Fails when a request of theirs does, or a message is lost.
under_load() {
    local tries
    node tests/js/load.mjs "https://localhost:$https" >"$DIR/load.log" 2>&1 &
    load=$!
    for tries in {1..300}; do
        ! grep -q running "$DIR/load.log" || break
        kill -0 "$load" 2>/dev/null || { echo "no load after $tries tries" && break; }
        sleep 0.1
    done
    sleep 1
    "$@" || return
    sleep 1
    kill -TERM "$load" 2>/dev/null || true
    wait "$load" || { cat "$DIR/load.log" && return 1; }
    load=
    grep 'requests in' "$DIR/load.log"
}
