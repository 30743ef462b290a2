# One failure of few says nothing; many do. An old failure that comes late moves nothing.
fails 1 1
tick
downloads 2 1
downloads 3 1
downloads 4 1
downloads 5 1
downloads 6 1
downloads 7 1
downloads 8 1
downloads 9 1
downloads 10 1
downloads 11 1
downloads 12 1
downloads 13 1
downloads 14 1
downloads 15 1
downloads 16 1
downloads 17 1
downloads 18 1
downloads 19 1
fails 2 2
tick
fails 20 1
tick
fails 3 2
fails 4 2
tick
