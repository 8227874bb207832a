# What keeps a build short. Most of a file's compilation is headers of the standard library and of other projects, so the
# files of a library's folder are compiled several at a time: a header is parsed once for all of them, and a name in an
# unnamed namespace must be unique in its folder. Every file still includes what it uses and compiles alone, which a test
# checks (tests/structure/alone.py); with -DGRADUS_UNITY=OFF the build does so, as in the presets debug, asan, tsan and fuzz.
option(GRADUS_UNITY "Compile several files of a folder at a time; off compiles each file alone" ON)

# gradus_compile_together(target files…): the files of one folder, eight at a time, commands apart from the rest, since they
# alone need the parser of the command line.
function(gradus_compile_together target)
    if(NOT GRADUS_UNITY)
        return()
    endif()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    # g++ takes the files for headers and warns of types that use names of an unnamed namespace.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
    set(commands ${ARGN})
    list(FILTER commands INCLUDE REGEX "/command_")
    set(others ${ARGN})
    list(FILTER others EXCLUDE REGEX "/command_")
    foreach(kind commands others)
        set(index 0)
        foreach(file ${${kind}})
            get_filename_component(folder ${file} DIRECTORY)
            file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${folder})
            if("${kind}" STREQUAL "commands")
                set(folder commands)
            endif()
            string(REPLACE "/" "_" folder "${folder}")
            math(EXPR batch "${index} / 8")
            math(EXPR index "${index} + 1")
            set_source_files_properties(${file} PROPERTIES UNITY_GROUP ${folder}_${batch})
        endforeach()
    endforeach()
endfunction()
