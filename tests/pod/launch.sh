# Starts a connector as Airbyte's pod does: through a shell that puts words together from AIRBYTE_ENTRYPOINT, between
# named pipes, with a loop that looks for a file that ends it. $1 is the working directory, the rest the operation.
cd "$1" || exit 1
shift
mkfifo stdin stdout stderr 2> /dev/null
(
    eval "$AIRBYTE_ENTRYPOINT $*" < stdin > stdout 2> stderr
    echo $? > exit.part && mv exit.part exitCode.txt
) &
connector=$!
(
    while [ ! -f TERMINATED ]; do sleep 0.1; done
    kill "$connector" 2> /dev/null
) > /dev/null 2>&1 &
watcher=$!
wait "$connector"
kill "$watcher" 2> /dev/null
