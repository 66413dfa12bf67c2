#!/bin/bash
# Each sender that is found delivers plain, STARTTLS and SMTPUTF8 mail to a reference server; see --help.
set -u
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'X'
Usage: senders.sh [--install] [--jar FILE] [--dir DIR] [--keep] [PEER…]

Has swaks, curl, Python's smtplib, msmtp, Postfix, Exim and Haraka (or the PEERs named) each send three messages to a
reference server of its own: plain, with STARTTLS (certificate verified), and with SMTPUTF8. The server relays what it
got to a recording primary; there each message is compared octet for octet. Prints a table.

  --install    get peers that are missing: by apt-get (not if that would remove a package), Exim unpacked from its
               Debian package, not installed; Haraka by npm. The last two stay below --dir
  --jar FILE   the server, default ../target/backupmx-server.jar beside this script
  --dir DIR    where Exim and Haraka are put and looked for, default ~/.cache/backupmx-peers
  --keep       keep the working directory with all logs and messages, and say where it is

Needs Linux, Java 17, Python 3.8, openssl and bash; root for Postfix and Exim (their daemons change users). Configuration,
queues and logs are private, all ports are on 127.0.0.1, nothing of the system's mail is touched.

Exit code: 0 every peer that was found delivered each message that it can send; 1 one did not; 2 wrong use, or no server.
X
}

die() { echo "senders.sh: $*" >&2; exit 2; }

all=(swaks curl smtplib msmtp postfix exim haraka)
peers=() install='' keep='' jar=$here/../target/backupmx-server.jar dir=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/backupmx-peers
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --install) install=1 ;;
    --keep) keep=1 ;;
    --jar | --dir)
      [ $# -ge 2 ] || die "$1: missing its value, see --help"
      case $1 in --jar) jar=$2 ;; *) dir=$2 ;; esac
      shift ;;
    -*) die "unknown option $1, see --help" ;;
    *)
      [[ " ${all[*]} " == *" $1 "* ]] || die "unknown peer $1 (expected: ${all[*]})"
      peers+=("$1") ;;
  esac
  shift
done
[ ${#peers[@]} -gt 0 ] || peers=("${all[@]}")
[ -f "$jar" ] || die "no server at $jar (expected: mvn -DskipTests package, or --jar)"
for need in java python3 openssl; do command -v $need >/dev/null || die "$need is not there"; done
mkdir -p "$dir" && dir=$(cd "$dir" && pwd) || die "cannot use $dir"

# Users that daemons run as must be able to go there.
work=$(mktemp -d /tmp/backupmx-senders.XXXXXX) || die "no working directory"
chmod 755 "$work"
children=()

# end PID: TERM, then KILL after ten seconds.
end() {
  kill -TERM "$1" 2>/dev/null || return 0
  for _ in $(seq 100); do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done
  kill -KILL "$1" 2>/dev/null
  wait "$1" 2>/dev/null
  return 0
}

clean_up() {
  local i
  for ((i = ${#children[@]} - 1; i >= 0; i--)); do end "${children[i]}"; done
  if [ -n "$keep" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# until_true SECONDS COMMAND…
until_true() {
  local tries=$(($1 * 10))
  shift
  until "$@"; do
    ((tries-- > 0)) || return 1
    sleep 0.1
  done
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
root() { [ "$(id -u)" = 0 ]; }

# --- the server and the primary behind it

start_server() {
  mkdir "$work/got"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mx2.example.net \
    -addext subjectAltName=DNS:mx2.example.net,DNS:localhost,IP:127.0.0.1 \
    -keyout "$work/tls.key" -out "$work/tls.crt" 2>"$work/openssl.log" || die "openssl: $(tail -1 "$work/openssl.log")"
  python3 "$here/senders.py" record "$work/got" >"$work/primary.port" 2>"$work/primary.log" &
  children+=($!)
  until_true 10 test -s "$work/primary.port" || die "the recording primary did not start: $(tail -1 "$work/primary.log")"
  cat >"$work/server.yaml" <<X
hostname: mx2.example.net
listen: ["127.0.0.1:0"]
spool: $work/spool
domains:
  plain.test: {primary: "127.0.0.1:$(cat "$work/primary.port")"}
  starttls.test: {primary: "127.0.0.1:$(cat "$work/primary.port")"}
  smtputf8.test: {primary: "127.0.0.1:$(cat "$work/primary.port")"}
routes:
  sender.test: 127.0.0.1:$(cat "$work/primary.port")
tls: {certificate: $work/tls.crt, key: $work/tls.key}
X
  java -jar "$jar" serve --config "$work/server.yaml" >"$work/server.log" 2>&1 &
  server=$!
  children+=($server)
  up() { grep -q '^listening on ' "$work/server.log" 2>/dev/null || ! kill -0 $server 2>/dev/null; }
  until_true 60 up
  endpoint=$(sed -n 's/^listening on //p' "$work/server.log")
  [ -n "$endpoint" ] || die "the server did not start: $(tail -1 "$work/server.log")"
  port=${endpoint##*:}
}

# --- getting peers

apt_install() {
  command -v apt-get >/dev/null && root || return 0
  if apt-get -s install "$@" 2>/dev/null | grep -q '^Remv'; then
    echo "not installed, would remove packages: $*" >&2
  else
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >>"$work/apt.log" 2>&1 || echo "apt-get: $(tail -1 "$work/apt.log")" >&2
  fi
}

# Exim cannot be installed beside another mail system of Debian's, so it is unpacked, with the libraries that miss.
unpack_exim() {
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 0
  local library libraries=()
  for library in $(apt-cache depends exim4-daemon-light | sed -n 's/^ *Depends: \(lib.*\)/\1/p'); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$library" 2>/dev/null)" = installed ] || libraries+=("$library")
  done
  mkdir -p "$dir/debs" "$dir/exim"
  (cd "$dir/debs" && apt-get download exim4-base exim4-daemon-light "${libraries[@]}") >>"$work/apt.log" 2>&1
  for library in "$dir"/debs/*.deb; do dpkg -x "$library" "$dir/exim"; done
}

install_peer() {
  case $1 in
    swaks) has swaks && perl -MNet::SSLeay -e 1 2>/dev/null || apt_install swaks libnet-ssleay-perl ;;
    curl | msmtp) has "$1" || apt_install "$1" ;;
    postfix)
      if ! has postfix && command -v debconf-set-selections >/dev/null && root; then
        # so that the package starts nothing
        echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
        apt_install postfix
      fi ;;
    exim) has exim || unpack_exim ;;
    haraka)
      has haraka || ! command -v npm >/dev/null ||
        npm install --prefix "$dir/haraka" --ignore-scripts --no-audit --no-fund Haraka >"$work/npm.log" 2>&1 ;;
  esac
}

# Debian's Exim only: where it reads its configuration is compiled in, and differs elsewhere.
exim_binary() {
  local file
  for file in "$dir/exim/usr/sbin/exim4" /usr/sbin/exim4; do [ -x "$file" ] && echo "$file" && return; done
}
haraka_home() {
  local home
  for home in "$dir/haraka/node_modules/Haraka" "$(npm root -g 2>/dev/null)/Haraka"; do
    [ -f "$home/bin/haraka" ] && echo "$home" && return
  done
}

has() {
  case $1 in
    smtplib) ;;
    exim) [ -n "$(exim_binary)" ] ;;
    haraka) [ -n "$(haraka_home)" ] && command -v node >/dev/null ;;
    postfix) command -v postconf >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

version() {
  case $1 in
    swaks) swaks --version | awk 'NR == 1 {print $3}' ;;
    curl) curl --version | awk 'NR == 1 {print $2}' ;;
    smtplib) python3 --version | awk '{print $2}' ;;
    msmtp) msmtp --version | awk 'NR == 1 {print $3}' ;;
    postfix) postconf -d -h mail_version ;;
    exim) exim -bV | awk 'NR == 1 {print $3}' ;;
    haraka) sed -n 's/.*"version": "\(.*\)".*/\1/p' "$(haraka_home)/package.json" ;;
  esac 2>/dev/null
}

# Why a peer that is there cannot send a kind of mail, or nothing.
cannot() {
  case $1 in
    postfix | exim) root || echo "wants root" ;;
  esac
  case $1.$2 in
    swaks.starttls) perl -MNet::SSLeay -e 1 2>/dev/null || echo "wants Net::SSLeay" ;;
    msmtp.smtputf8) grep -q SMTPUTF8 "$(command -v msmtp)" || echo "this msmtp does not know SMTPUTF8" ;;
    exim.smtputf8) exim -bV 2>/dev/null | grep -q I18N || echo "this Exim is built without I18N" ;;
  esac
}

# --- peers as daemons, each with a port of its own, which relay to us

# In a private mount namespace: /etc is a copy with Exim's configuration and user in it. Does not return.
become_exim() {
  exec unshare -m bash -c '
    set -e
    mount --bind "$1/etc" /etc
    shift
    exec "$@"' exim "$work/exim" env LD_LIBRARY_PATH="$dir/exim/usr/lib/$(uname -m)-linux-gnu" "$(exim_binary)" "$@"
}
exim() { (become_exim "$@"); }

prepare_exim() {
  local user=Debian-exim
  [ ! -d "$work/exim" ] && root && has exim || return 0
  mkdir -p "$work/exim/spool" "$work/exim/log"
  cp -a /etc "$work/exim/etc"
  mkdir -p "$work/exim/etc/exim4"
  id $user >/dev/null 2>&1 || {
    echo "$user:x:499:499::/nonexistent:/usr/sbin/nologin" >>"$work/exim/etc/passwd"
    echo "$user:x:499:" >>"$work/exim/etc/group"
  }
  chown "$(awk -F: '$1 == "Debian-exim" {print $3 ":" $4}' "$work/exim/etc/passwd")" "$work/exim/spool" "$work/exim/log"
  cat >"$work/exim/etc/exim4/exim4.conf" <<X
exim_path = $(exim_binary)
spool_directory = $work/exim/spool
log_file_path = $work/exim/log/%slog
primary_hostname = client.sender.test
local_interfaces = 127.0.0.1
keep_environment =
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
smtputf8_advertise_hosts = *
acl_smtp_rcpt = accept
begin routers
tls:
  driver = manualroute
  domains = starttls.test
  transport = tls
  route_list = * 127.0.0.1
  self = send
rest:
  driver = manualroute
  transport = plain
  route_list = * 127.0.0.1
  self = send
begin transports
plain:
  driver = smtp
  port = $port
  allow_localhost
  hosts_avoid_tls = *
tls:
  driver = smtp
  port = $port
  allow_localhost
  hosts_require_tls = *
  tls_verify_certificates = $work/tls.crt
  tls_verify_hosts = *
X
}

start_exim() {
  local listen=$1
  become_exim -bdf -oX "$listen" >"$work/exim.log" 2>&1 &
  children+=($!)
}

start_postfix() {
  local listen=$1 p=$work/postfix
  mkdir -p "$p/etc" "$p/queue" "$p/data"
  chown postfix "$p/data"
  cat >"$p/etc/main.cf" <<X
compatibility_level = 3.6
queue_directory = $p/queue
data_directory = $p/data
maillog_file = $p/maillog
maillog_file_prefixes = $p
myhostname = client.sender.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
local_header_rewrite_clients =
smtpd_peername_lookup = no
transport_maps = inline:{ {starttls.test=tls:[127.0.0.1]:$port} {plain.test=smtp:[127.0.0.1]:$port} {smtputf8.test=smtp:[127.0.0.1]:$port} }
smtp_tls_CAfile = $work/tls.crt
smtp_tls_secure_cert_match = mx2.example.net
X
  cat >"$p/etc/master.cf" <<X
127.0.0.1:$listen inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
smtp unix - - n - - smtp
tls unix - - n - - smtp
  -o smtp_tls_security_level=secure
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
X
  postfix -c "$p/etc" start >"$work/postfix.log" 2>&1 </dev/null
  until_true 10 test -s "$p/queue/pid/master.pid" && children+=("$(tr -d ' ' <"$p/queue/pid/master.pid")")
}

start_haraka() {
  local listen=$1 h=$work/haraka home
  home=$(haraka_home)
  node "$home/bin/haraka" -i "$h" >"$work/haraka-install.log" 2>&1
  mkdir -p "$h/queue" "$h/plugins"
  # Everything that comes in is outgoing mail, and no DNS is asked.
  cat >"$h/plugins/to_backupmx.js" <<X
exports.hook_lookup_rdns = (next) => next(OK, 'client.sender.test')
exports.hook_connect = (next, connection) => { connection.relaying = true; next() }
exports.hook_rcpt = (next) => next(OK)
exports.hook_get_mx = (next, hmail, domain) => next(OK, { priority: 0, exchange: '127.0.0.1', port: $port })
X
  cd "$h/config" || return
  echo to_backupmx >plugins
  printf 'listen=127.0.0.1:%s\n' "$listen" >smtp.ini
  printf 'enable_tls=true\nlocal_mx_ok=true\n' >outbound.ini
  printf '[outbound]\nno_tls_hosts[]=plain.test\nno_tls_hosts[]=smtputf8.test\nforce_tls_hosts[]=starttls.test\n' >tls.ini
  echo client.sender.test >me
  : >host_list
  cd "$work" || return
  HARAKA=$h NODE_PATH=$home/.. NODE_EXTRA_CA_CERTS=$work/tls.crt node "$home/bin/haraka" -c "$h" >"$work/haraka.log" 2>&1 </dev/null &
  children+=($!)
}

# daemon PEER: starts it once; its port is then in ${daemons[PEER]}.
declare -A daemons
daemon() {
  [ -z "${daemons[$1]:-}" ] || return 0
  daemons[$1]=$(free_port)
  "start_$1" "${daemons[$1]}"
  until_true 30 listens "${daemons[$1]}" || echo "$1 does not listen; see --keep" >&2
}

# --- sending

# What a peer says while it sends goes to the log of that message.
send() {
  local peer=$1 kind=$2 from to tls=()
  from=$(python3 "$here/senders.py" address "$kind" reverse)
  to=$(python3 "$here/senders.py" address "$kind" forward)
  local message=$work/$peer.$kind.eml
  python3 "$here/senders.py" message "$kind" "$peer" >"$message"
  case $peer in
    swaks)
      [ "$kind" != starttls ] || tls=(-tls --tls-verify --tls-ca-path "$work/tls.crt")
      # It has no switch for parameters of MAIL, but what it puts between < and > may end one and begin another.
      [ "$kind" != smtputf8 ] || from="$from> SMTPUTF8 ENVID=<"
      # it ends the message with a line end of its own
      head -c -2 "$message" | swaks --server "$endpoint" --ehlo client.sender.test "${tls[@]}" \
        --from "$from" --to "$to" --data - ;;
    curl)
      [ "$kind" != starttls ] || tls=(--ssl-reqd --cacert "$work/tls.crt")
      curl -sv "smtp://$endpoint/client.sender.test" "${tls[@]}" --mail-from "$from" --mail-rcpt "$to" \
        --upload-file "$message" ;;
    msmtp)
      tls=(--tls=off)
      [ "$kind" != starttls ] || tls=(--tls=on --tls-starttls=on --tls-trust-file="$work/tls.crt")
      msmtp --debug --file=/dev/null --host=127.0.0.1 --port="$port" --domain=client.sender.test --auth=off "${tls[@]}" \
        --from="$from" -- "$to" <"$message" ;;
    smtplib)
      [ "$kind" != starttls ] || tls=("$work/tls.crt")
      python3 "$here/senders.py" send "$kind" "$peer" "$endpoint" "${tls[@]}" ;;
    *)
      daemon "$peer"
      python3 "$here/senders.py" send "$kind" "$peer" "127.0.0.1:${daemons[$peer]}" ;;
  esac
}

# --- the table

start_server
printf '%-8s %-12s %-9s %s\n' peer version mail result
failed=0
for peer in "${peers[@]}"; do
  [ -z "$install" ] || install_peer "$peer"
  if ! has "$peer"; then
    printf '%-8s %-12s %-9s %s\n' "$peer" - - "not found; --install gets it"
    continue
  fi
  [ "$peer" != exim ] || prepare_exim
  version=$(version "$peer")
  for kind in plain starttls smtputf8; do
    reason=$(cannot "$peer" $kind)
    if [ -n "$reason" ]; then
      result="not sent: $reason"
    elif ! send "$peer" $kind >"$work/$peer.$kind.log" 2>&1; then
      result="FAILED to send: $(grep -a -v '^ *$' "$work/$peer.$kind.log" | grep -a -E '^(<\*\*|\*\*\*|<.*[45][0-9][0-9][ -]|msmtp:|curl:|smtplib|.*Error)' | head -1 | tr -d '\r')"
      failed=1
    else
      result=$(python3 "$here/senders.py" check $kind "$peer" "$work/got") || {
        result="FAILED: $result"
        failed=1
      }
    fi
    printf '%-8s %-12s %-9s %s\n' "$peer" "$version" $kind "$result"
  done
done

# What a server leaves behind when it is told to end: nothing.
end "$server"
left=$(java -jar "$jar" spool verify "$work/spool" | sed -n 's/^messages: //p')
[ "$left" = 0 ] || { echo "left in the spool: ${left:-unknown}"; failed=1; }
# A peer that did not hear our 250 tells its sender, or delivers again.
if grep -a 'mail refused' "$work/server.log"; then failed=1; fi
exit $failed
