#!/usr/bin/env bash
# root_test.sh WORK PACKAGES: installs the packages in a fresh Debian below WORK, plays the demo there,
# builds an embedder's project, talks to the daemon, loads the libraries for drivers, and purges all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work="$1" packages="$2"
base="$work/root-base" root="$work/root"
say() { printf '== %s\n' "$*"; }
die() {
  printf 'root test: %s\n' "$*" >&2
  exit 1
}
expect() { # expect WHAT COMMAND...
  local what="$1"
  shift
  "$@" || die "$what: not so"
  printf '   ok: %s\n' "$what"
}
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} "$@"; }
as() { # as USER COMMAND...: inside, without more groups than the user's own
  local user="$1" group
  group=$(inside id -gn "$user")
  shift
  inside setpriv --reuid "$user" --regid "$group" --init-groups env HOME=/tmp "$@"
}
refused() { ! "$@" 2>/dev/null; }
apt() { inside apt-get -q -y --no-install-recommends "$@" >>"$work/root.log" 2>&1 || {
  tail -n 20 "$work/root.log" >&2
  die "apt-get $1"
}; }

# What an embedder has beside libfle: a compiler. What the service needs: systemd, which does not run here.
tools=(g++ cmake ninja-build pkgconf systemd man-db)
if [[ ! -e "$base/usr/bin/g++" || ! -e "$base/usr/bin/systemd-analyze" ]]; then
  say "a fresh Debian"
  rm -rf "$base" "$base.new"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$base.new" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$work/root.log" 2>&1 || die "debootstrap: $work/root.log"
  cp -L /etc/resolv.conf "$base.new/etc/resolv.conf"
  root="$base.new"
  apt update
  apt install "${tools[@]}"
  root="$work/root"
  mv "$base.new" "$base"
fi
say "copying it"
[[ ! -e "$root" ]] || rm -rf --one-file-system "$root"
cp -a --reflink=auto "$base" "$root"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
: >"$work/root.log"
daemon=''
finish() {
  [[ -z $daemon ]] || kill "$daemon" 2>/dev/null || true
}
trap finish EXIT

# state: every file, and every user, but for what dpkg and apt keep for themselves.
state() {
  inside find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /trial -o -path /var/lib/dpkg -o -path /var/lib/apt \
    -o -path /var/cache -o -path /var/log -o -path /root -o -path /run \) -prune -o -print | sort >"$1.files"
  sort "$root/etc/passwd" "$root/etc/group" >"$1.users"
}
state "$work/before"

say "installing"
mkdir -p "$root/trial/packages"
cp "$packages"/*.deb "$root/trial/packages/"
# Not by name: apt would look for them in Debian.
mapfile -t debs < <(cd "$root" && ls trial/packages/*.deb | sed 's,^,/,')
apt update
apt install "${debs[@]}"
names=(libfle0 libfle-dev fle fle-cryptd fle-mongo-crypt)
for name in "${names[@]}"; do
  expect "$name is installed" grep -q 'install ok installed' <(inside dpkg-query -W -f '${Status}\n' "$name")
done
expect "no file of theirs has been changed" inside dpkg --verify "${names[@]}"

say "the command"
cp examples/medcomd/demo.sh "$root/trial/demo.sh"
chmod -R a+rX "$root/trial"
as nobody bash /trial/demo.sh >"$work/demo.log" 2>&1 || {
  tail "$work/demo.log" >&2
  die "the demo failed"
}
tail -n 1 "$work/demo.log"
expect "there are man pages" inside man -w fle fle-key-rewrap fle-cryptd
for file in bash-completion/completions/fle zsh/vendor-completions/_fle fish/vendor_completions.d/fle.fish \
  doc/fle/copyright doc/libfle0/libfle.spdx.json; do
  expect "there is $file" test -s "$root/usr/share/$file"
done

say "an embedder's project"
cp -r tests/package/consumer "$root/trial/consumer"
inside sh -eu -c 'cd /trial/consumer
  cmake -S . -B build -G Ninja -DFLE_CONSUME=find_package && cmake --build build && build/consumer
  g++ -std=c++20 main.cc -o by_pkg_config $(pkg-config --cflags --libs libfle) && ./by_pkg_config' \
  >"$work/consumer.log" 2>&1 || {
  tail "$work/consumer.log" >&2
  die "the consumer failed"
}
tail -n 1 "$work/consumer.log"

say "the libraries for drivers"
cat >"$root/trial/drivers.cc" <<'CC'
#include <cstdio>
#include <dlfcn.h>
#include <mongo_crypt_v1.h>
#include <mongocrypt/mongocrypt.h>
int main(int, char** argv) {
  void* const shared = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (shared == nullptr) return std::puts(dlerror()), 1;
  const auto version = reinterpret_cast<decltype(&mongo_crypt_v1_get_version_str)>(
      dlsym(shared, "mongo_crypt_v1_get_version_str"));
  if (version == nullptr) return std::puts(dlerror()), 1;
  std::printf("%s, %s\n", version(), mongocrypt_version(nullptr));
  return 0;
}
CC
inside sh -eu -c 'folder=$(dirname $(dpkg -L fle-mongo-crypt | grep /mongo_crypt_v1.so))
  g++ /trial/drivers.cc -I/usr/include/libfle-mongocrypt -L$folder -Wl,-rpath,$folder -lmongocrypt -o /trial/drivers
  /trial/drivers $folder/mongo_crypt_v1.so'

say "the daemon"
unit=/lib/systemd/system/fle-cryptd.service
inside systemd-analyze verify "$unit" >"$work/unit.log" 2>&1 || true
expect "systemd has nothing to say about the unit" refused grep -q fle-cryptd "$work/unit.log"
expect "it is enabled" test -L "$root/etc/systemd/system/multi-user.target.wants/fle-cryptd.service"
# As the unit says, for systemd is not running here: its user, its folder, a network of its own.
command=$(sed -n 's/^ExecStart=//p' "$root$unit")
inside install -d -o fle-cryptd -g fle-cryptd -m "$(sed -n 's/^RuntimeDirectoryMode=//p' "$root$unit")" /run/fle-cryptd
inside useradd --no-create-home member --groups fle-cryptd
inside useradd --no-create-home stranger
mkfifo "$work/daemon.fifo"
# shellcheck disable=SC2086  # a command line
unshare --net chroot "$root" setpriv --reuid fle-cryptd --regid fle-cryptd --clear-groups $command \
  >"$work/daemon.fifo" 2>"$work/daemon.err" &
daemon=$!
exec 3<"$work/daemon.fifo"
rm "$work/daemon.fifo"
listening=no
while read -r -t 60 line <&3; do
  case "$line" in *'Waiting for connections'*) listening=yes && break ;; esac
done
[[ $listening == yes ]] || die "the daemon does not listen: $(cat "$work/daemon.err")"
socket=/run/fle-cryptd/mongocryptd.sock
expect "the socket is its user's and group's" \
  test "$(inside stat -c '%U:%G %a' $socket)" = 'fle-cryptd:fle-cryptd 770'
cat >"$root/trial/hello.pl" <<'PL'
# Says hello by OP_MSG; succeeds where an analyzer answers.
use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "cannot connect: $!\n";
my $body = pack('CZ*l<', 0x10, 'hello', 1) . pack('CZ*l<Z*', 0x02, '$db', 6, 'admin');
my $document = pack('l<', length($body) + 5) . $body . "\0";
my $message = pack('l<4', 16 + 5 + length($document), 1, 0, 2013) . pack('l<C', 0, 0) . $document;
print $s $message;
$s->flush;
read($s, my $head, 16) == 16 or die "no answer\n";
read($s, my $rest, unpack('l<', $head) - 16);
die "no analyzer\n" if index($rest, 'iscryptd') < 0;
PL
chmod a+r "$root/trial/hello.pl"
expect "a member of its group is answered" as member perl /trial/hello.pl $socket
expect "somebody else is not" refused as stranger perl /trial/hello.pl $socket
kill -TERM "$daemon"
status=0
wait "$daemon" || status=$?
daemon=''
expect "it ends when it is asked to" test "$status" = 0
expect "and takes its socket along" test ! -e "$root$socket"
inside userdel member
inside userdel stranger

say "purging"
rm -rf "$root/trial"
inside dpkg --purge "${names[@]}" >>"$work/root.log" 2>&1 || die "dpkg --purge: $work/root.log"
state "$work/after"
# What stays is of the packages that they depend on.
sort -u "$root"/var/lib/dpkg/info/*.list >"$work/owned"
left=$(comm -13 "$work/before.files" "$work/after.files" | comm -23 - "$work/owned" |
  grep -vE '^/etc/(ld.so.cache|(passwd|group|shadow|gshadow|subuid|subgid)-)$' || true) # what tools of the system keep
[[ -z "$left" ]] || die "left behind: $left"
expect "no file is left" test -z "$left"
left=$(comm -13 "$work/before.users" "$work/after.users")
expect "no user and no group is left" test -z "$left"
rm -rf --one-file-system "$root"
say "the packages install, work and purge clean"
