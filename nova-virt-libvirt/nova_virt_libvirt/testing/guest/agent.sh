#!/bin/busybox sh
# Stands in for qemu-ga, which is too large for this guest: answers on the agent's channel in the
# words of QEMU's qga/qapi-schema.json as much as libvirt asks. There is no file system that could be
# frozen: it only remembers. What it was told is in files of /agent; while /agent/hangs exists, it
# does what changes something and does not answer.

mkdir -p /agent
echo no >/agent/frozen

for name in /sys/class/virtio-ports/*/name; do
    [ "$(cat "$name" 2>/dev/null)" = org.qemu.guest_agent.0 ] || continue
    port=${name%/name}
    port=/dev/${port##*/}
done
[ -n "$port" ] || exit 0
exec 3<>"$port"

answer() {
    printf '%s\n' "$1" >&3
}

answer_change() {
    [ -e /agent/hangs ] || answer "$1"
}

failure() {
    answer_change "{\"error\": {\"class\": \"GenericError\", \"desc\": \"$1\"}}"
}

# string NAME: what this member of the request is, as JSON spells it.
string() {
    printf '%s\n' "$request" | sed -n "s/.*\"$1\" *: *\"\\(\\([^\"\\\\]\\|\\\\.\\)*\\)\".*/\\1/p"
}

set_password() {
    if [ "$(string username)" = root ]; then
        string password >/agent/password
        answer_change '{"return": {}}'
    else
        failure 'child process has failed to set user password'
    fi
}

freeze() {
    if [ "$(cat /agent/frozen)" = yes ]; then
        failure 'The command guest-fsfreeze-freeze has been disabled for this instance'
    else
        echo yes >/agent/frozen
        answer_change '{"return": 1}'
    fi
}

status() {
    if [ "$(cat /agent/frozen)" = yes ]; then
        answer '{"return": "frozen"}'
    else
        answer '{"return": "thawed"}'
    fi
}

while :; do
    if ! read -r request <&3; then
        # Nobody is at the other end.
        sleep 1
        continue
    fi
    number=$(printf '%s\n' "$request" | sed -n 's/.*"id" *: *\([0-9]*\).*/\1/p')
    case $request in
        *guest-sync-delimited*)
            printf '\377' >&3
            answer "{\"return\": $number}"
            ;;
        *guest-sync*) answer "{\"return\": $number}" ;;
        *guest-ping*) answer '{"return": {}}' ;;
        *guest-fsfreeze-status*) status ;;
        *guest-fsfreeze-freeze*) freeze ;;
        *guest-fsfreeze-thaw*)
            echo no >/agent/frozen
            answer_change '{"return": 1}'
            ;;
        *guest-set-user-password*) set_password ;;
        *guest-set-time*)
            # Without a time it is to be read from the hardware's clock.
            hwclock -u -s && answer_change '{"return": {}}' || failure 'hwclock failed'
            ;;
        *) answer '{"error": {"class": "CommandNotFound", "desc": "The command is not known"}}' ;;
    esac
done
