# cmake -DFROM=FILE -DTO=FILE.h -DNAME=identifier -P embed.cmake: a file as an array of bytes, NUL at its end.
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REPEAT "0x..," 20 line)
string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
file(WRITE ${TO} "/* Made from a file of the source tree by cmake/embed.cmake. */\n"
                 "static const unsigned char ${NAME}[] = {\n${bytes}0x00};\n")
