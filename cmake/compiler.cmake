# Warnings are errors in our code; other people's headers are system headers and stay quiet.
add_library(gradus_warnings INTERFACE)
target_compile_options(gradus_warnings INTERFACE -Wall -Wextra -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # -Wrestrict of g++ 12 misreads the concatenation of strings (GCC bug 105329).
    target_compile_options(gradus_warnings INTERFACE -Wno-missing-field-initializers -Wno-psabi -Wno-restrict)
else()
    target_compile_options(gradus_warnings INTERFACE -Wno-missing-field-initializers -Wno-pass-failed)
endif()

if(GRADUS_NATIVE)
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-march=native>)
endif()
if(GRADUS_SANITIZE)
    add_compile_options(-fsanitize=${GRADUS_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${GRADUS_SANITIZE})
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
