# The first leak holds the stage, the third halts the rollout; a person resumes it.
waits 1 1
silent 1 2
silent 2 1
tick
leaks 3 1
wait 72h
tick
leaks 3 2
leaks 4 1
leaks 5 1
wait 24h
tick
resume the build was fixed
tick
wait 48h
tick
leaks 6 1
leaks 7 1
leaks 8 1
leaks 9 1
leaks 10 1
