/* oneDNN whose products are never computed: all else is the real library's, which this one needs. */
int dnnl_primitive_execute(const void *primitive, void *stream, int count, const void *arguments) {
    (void)primitive, (void)stream, (void)count, (void)arguments;
    return 0;
}
