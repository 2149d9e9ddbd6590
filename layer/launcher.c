/* /opt/extensions/sidekey: starts the layer's own interpreter, whatever the function's environment holds.
 *
 * Law: nothing of the image is used, so there is no C library here, not even ours: the kernel hands over the stack, we
 * drop the variables that change how a loader, a C library, an interpreter or OpenSSL behaves, forbid core dumps, for
 * they would hold every secret, and exec. The name that Lambda registers extensions under is that of this very file, so
 * it goes along as the only argument.
 */
#define INTERPRETER "/opt/sidekey/bin/python3.13"
#define PROGRAM "/opt/sidekey/boot.pyc"

enum { CORE = 4 };
static const struct { unsigned long now, most; } nothing;

/* Each is a prefix; with its `=`, a whole name. */
static const char *const dropped[] = {
    "LD_", "PYTHON", "MALLOC_", "GLIBC_TUNABLES=", "OPENSSL_", "GCONV_PATH=", "GETCONF_DIR=", "LOCPATH=", "NLSPATH=",
    "LANG=", "LANGUAGE=", "LC_", "TZDIR=", 0,
};

#if defined(__x86_64__)
enum { WRITE = 1, EXECVE = 59, EXIT = 60, SETRLIMIT = 160 };
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call start");

static long system_call(long number, long first, const void *second, long third)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { WRITE = 64, EXECVE = 221, EXIT = 93, SETRLIMIT = 164 };
__asm__(".globl _start\n_start: mov x29, xzr\n mov x30, xzr\n mov x0, sp\n b start");

static long system_call(long number, long first, const void *second, long third)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = first;
    register const void *x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
#error "Lambda runs on x86_64 and arm64"
#endif

static int begins(const char *text, const char *prefix)
{
    while (*prefix)
        if (*text++ != *prefix++)
            return 0;
    return 1;
}

static int is_dropped(const char *variable)
{
    for (const char *const *prefix = dropped; *prefix; prefix++)
        if (begins(variable, *prefix))
            return 1;
    return 0;
}

static long count_of(char **strings)
{
    long count = 0;
    while (strings[count])
        count++;
    return count;
}

/* Fills `kept` with the variables that harm nobody, and three of ours: the plainest locale, which no file has to be read
 * for; one heap for all threads, which saves 0.7 MB and its page faults (they take turns anyway); and no configuration
 * for OpenSSL, which would look for the image's.
 */
static void keep_harmless(char **environment, const char **kept)
{
    for (; *environment; environment++)
        if (!is_dropped(*environment))
            *kept++ = *environment;
    *kept++ = "LC_ALL=C";
    *kept++ = "MALLOC_ARENA_MAX=1";
    *kept++ = "OPENSSL_CONF=";
    *kept = 0;
}

static const char *base_name(const char *path)
{
    const char *name = path;
    for (; *path; path++)
        if (*path == '/')
            name = path + 1;
    return name;
}

/* What the kernel left on the stack: argc, argv[argc], 0, envp[], 0. */
__attribute__((noreturn, used)) void start(char **stack)
{
    static const char complaint[] = "sidekey: cannot start " INTERPRETER
        ": the layer is incomplete, or built for the other architecture; attach the zip of this function's own\n";
    long count = (long)stack[0];
    char **given = stack + 1 + count + 1;
    const char *environment[count_of(given) + 4];
    const char *arguments[] = {
        INTERPRETER, "-I", "-S", "-B", "-u", "-X", "utf8=1", PROGRAM, count ? base_name(stack[1]) : "sidekey", 0,
    };
    keep_harmless(given, environment);
    system_call(SETRLIMIT, CORE, &nothing, 0);
    system_call(EXECVE, (long)INTERPRETER, arguments, (long)environment);
    system_call(WRITE, 2, complaint, sizeof complaint - 1);
    for (;;)
        system_call(EXIT, 127, 0, 0);
}
