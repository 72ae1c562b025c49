# Prints the string that the JSON object on the input has under `key`, as JSON spells it and without
# its quotes. A member of that name deeper inside, or inside of another string, is not taken for it.
# Prints nothing if there is none, or if it is not a string.

{ text = text $0 "\n" }

END {
    while (match(text, /^[ \t\r\n]*("([^"\\]|\\.)*"|[][{}:,]|[^][{}:," \t\r\n]+)/)) {
        token = substr(text, 1, RLENGTH)
        text = substr(text, RLENGTH + 1)
        sub(/^[ \t\r\n]+/, "", token)
        if (depth == 1 && previous == ":" && name == "\"" key "\"") {
            if (token ~ /^"/)
                print substr(token, 2, length(token) - 2)
            exit
        }
        if (token == ":")
            name = previous
        else if (token == "{" || token == "[")
            depth++
        else if (token == "}" || token == "]")
            depth--
        previous = token
    }
}
