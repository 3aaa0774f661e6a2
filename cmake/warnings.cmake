# Warnings are errors everywhere in the tree; no file is exempt.
add_library(prevue-warnings INTERFACE)
target_compile_options(prevue-warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
                                                 -Wmissing-prototypes -Wvla -Werror)
