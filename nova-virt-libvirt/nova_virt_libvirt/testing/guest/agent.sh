#!/bin/busybox sh
# Stands in for qemu-ga, which is too large for this guest: answers on the agent's channel in the
# words of QEMU's qga/qapi-schema.json as much as libvirt asks. There is no file system that could be
# frozen: it only remembers. What it was told is in files of /agent; while /agent/hangs exists, it
# does what changes something and does not answer. It starts no other program to answer: that would
# take an emulated processor so long that whoever waits gives up. /agent/listens is made when it
# listens, or has found no channel.

mkdir -p /agent
echo no >/agent/frozen
echo >/agent/password

for name in /sys/class/virtio-ports/*/name; do
    read -r label 2>/dev/null <"$name"
    [ "$label" = org.qemu.guest_agent.0 ] || continue
    port=${name%/name}
    port=/dev/${port##*/}
done
[ -n "$port" ] && exec 3<>"$port"
: >/agent/listens
[ -n "$port" ] || exit 0

answer() {
    printf '%s\n' "$1" >&3
}

answer_change() {
    [ -e /agent/hangs ] || answer "$1"
}

failure() {
    answer_change "{\"error\": {\"class\": \"GenericError\", \"desc\": \"$1\"}}"
}

# string NAME: sets content to what this member of the request is, as JSON spells it without a quote.
string() {
    content=${request#*\"$1\":\"}
    content=${content%%\"*}
}

set_password() {
    string username
    if [ "$content" = root ]; then
        string password
        echo "$content" >/agent/password
        answer_change '{"return": {}}'
    else
        failure 'child process has failed to set user password'
    fi
}

freeze() {
    read -r frozen </agent/frozen
    if [ "$frozen" = yes ]; then
        failure 'The command guest-fsfreeze-freeze has been disabled for this instance'
    else
        echo yes >/agent/frozen
        answer_change '{"return": 1}'
    fi
}

status() {
    read -r frozen </agent/frozen
    if [ "$frozen" = yes ]; then
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
    number=${request#*\"id\":}
    number=${number%%[!0-9]*}
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
