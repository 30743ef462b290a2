# Evidence and time widen it; nothing else does.
tick
wait 48h
tick
silent 1 1
tick
silent 2 1
tick
wait 47h
tick
wait 1h
tick
wait 200h
tick
leaks 2 2
