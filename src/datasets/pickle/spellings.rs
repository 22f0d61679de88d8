//! One set as Pythons and NumPys have spelt it, written by their `pickle.dumps`.

/// What wrote it, and the pickle of `([b"\xff\xd8a\\\0\n\r\x1a", b"PNG'\"\xe9"], [True])`, each image
/// an array u1 and each list of verdicts an array b1 where it says so.
pub(super) const SPELLINGS: &[(&str, &[u8])] = &[
    (
        "python 3, protocol 0",
        b"((lp0\nc_codecs\nencode\np1\n(V\xff\xd8a\\u005c\\u0000\\u000a\\u000d\\u001a\np2\nVla\
          tin1\np3\ntp4\nRp5\nag1\n(VPNG'\"\xe9\np6\ng3\ntp7\nRp8\na(lp9\nI01\natp10\n.",
    ),
    (
        "python 3, protocol 1",
        b"(]q\0(c_codecs\nencode\nq\x01(X\n\0\0\0\xc3\xbf\xc3\x98a\\\0\n\r\x1aq\x02X\x06\0\0\0\
          latin1q\x03tq\x04Rq\x05h\x01(X\x07\0\0\0PNG'\"\xc3\xa9q\x06h\x03tq\x07Rq\x08e]q\tI01\
          \natq\n.",
    ),
    (
        "python 3, protocol 2",
        b"\x80\x02]q\0(c_codecs\nencode\nq\x01X\n\0\0\0\xc3\xbf\xc3\x98a\\\0\n\r\x1aq\x02X\x06\
          \0\0\0latin1q\x03\x86q\x04Rq\x05h\x01X\x07\0\0\0PNG'\"\xc3\xa9q\x06h\x03\x86q\x07Rq\
          \x08e]q\t\x88a\x86q\n.",
    ),
    (
        "python 3, protocol 3",
        b"\x80\x03]q\0(C\x08\xff\xd8a\\\0\n\r\x1aq\x01C\x06PNG'\"\xe9q\x02e]q\x03\x88a\x86q\
          \x04.",
    ),
    (
        "python 3, protocol 4",
        b"\x80\x04\x95\x1f\0\0\0\0\0\0\0]\x94(C\x08\xff\xd8a\\\0\n\r\x1a\x94C\x06PNG'\"\xe9\
          \x94e]\x94\x88a\x86\x94.",
    ),
    (
        "python 3, protocol 5",
        b"\x80\x05\x95\x1f\0\0\0\0\0\0\0]\x94(C\x08\xff\xd8a\\\0\n\r\x1a\x94C\x06PNG'\"\xe9\
          \x94e]\x94\x88a\x86\x94.",
    ),
    (
        "python 3, protocol 0, int",
        b"((lp0\nc_codecs\nencode\np1\n(V\xff\xd8a\\u005c\\u0000\\u000a\\u000d\\u001a\np2\nVla\
          tin1\np3\ntp4\nRp5\nag1\n(VPNG'\"\xe9\np6\ng3\ntp7\nRp8\na(lp9\nI1\natp10\n.",
    ),
    (
        "python 3, protocol 2, int in lists",
        b"\x80\x02]q\0(]q\x01(c_codecs\nencode\nq\x02X\n\0\0\0\xc3\xbf\xc3\x98a\\\0\n\r\x1aq\
          \x03X\x06\0\0\0latin1q\x04\x86q\x05Rq\x06h\x02X\x07\0\0\0PNG'\"\xc3\xa9q\x07h\x04\
          \x86q\x08Rq\te]q\nK\x01ae.",
    ),
    (
        "python 3, protocol 3, tuples",
        b"\x80\x03C\x08\xff\xd8a\\\0\n\r\x1aq\0C\x06PNG'\"\xe9q\x01\x86q\x02\x88\x85q\x03\x86q\
          \x04.",
    ),
    (
        "numpy 1.23.5, protocol 0, arrays",
        b"((lp0\ncnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n(I0\ntp3\nc_c\
          odecs\nencode\np4\n(Vb\np5\nVlatin1\np6\ntp7\nRp8\ntp9\nRp10\n(I1\n(I8\ntp11\ncnumpy\
          \ndtype\np12\n(Vu1\np13\nI00\nI01\ntp14\nRp15\n(I3\nV|\np16\nNNNI-1\nI-1\nI0\ntp17\n\
          bI00\ng4\n(V\xff\xd8a\\u005c\\u0000\\u000a\\u000d\\u001a\np18\ng6\ntp19\nRp20\ntp21\
          \nbag1\n(g2\n(I0\ntp22\ng8\ntp23\nRp24\n(I1\n(I6\ntp25\ng15\nI00\ng4\n(VPNG'\"\xe9\n\
          p26\ng6\ntp27\nRp28\ntp29\nbag1\n(g2\n(I0\ntp30\ng8\ntp31\nRp32\n(I1\n(I1\ntp33\ng12\
          \n(Vb1\np34\nI00\nI01\ntp35\nRp36\n(I3\ng16\nNNNI-1\nI-1\nI0\ntp37\nbI00\ng4\n(V\x01\
          \np38\ng6\ntp39\nRp40\ntp41\nbtp42\n.",
    ),
    (
        "numpy 1.23.5, protocol 1, arrays",
        b"(]q\0(cnumpy.core.multiarray\n_reconstruct\nq\x01(cnumpy\nndarray\nq\x02(K\0tq\x03c_\
          codecs\nencode\nq\x04(X\x01\0\0\0bq\x05X\x06\0\0\0latin1q\x06tq\x07Rq\x08tq\tRq\n(K\
          \x01(K\x08tq\x0bcnumpy\ndtype\nq\x0c(X\x02\0\0\0u1q\rI00\nI01\ntq\x0eRq\x0f(K\x03X\
          \x01\0\0\0|q\x10NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tq\x11bI00\nh\x04(X\n\0\0\0\
          \xc3\xbf\xc3\x98a\\\0\n\r\x1aq\x12h\x06tq\x13Rq\x14tq\x15bh\x01(h\x02(K\0tq\x16h\x08\
          tq\x17Rq\x18(K\x01(K\x06tq\x19h\x0fI00\nh\x04(X\x07\0\0\0PNG'\"\xc3\xa9q\x1ah\x06tq\
          \x1bRq\x1ctq\x1dbeh\x01(h\x02(K\0tq\x1eh\x08tq\x1fRq (K\x01(K\x01tq!h\x0c(X\x02\0\0\
          \0b1q\"I00\nI01\ntq#Rq$(K\x03h\x10NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tq%bI00\nh\
          \x04(X\x01\0\0\0\x01q&h\x06tq'Rq(tq)btq*.",
    ),
    (
        "numpy 1.23.5, protocol 2, arrays (n, 1) and numpy.bool_",
        b"\x80\x02]q\0(cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\0\
          \x85q\x03c_codecs\nencode\nq\x04X\x01\0\0\0bq\x05X\x06\0\0\0latin1q\x06\x86q\x07Rq\
          \x08\x87q\tRq\n(K\x01K\x08K\x01\x86q\x0bcnumpy\ndtype\nq\x0cX\x02\0\0\0u1q\r\x89\x88\
          \x87q\x0eRq\x0f(K\x03X\x01\0\0\0|q\x10NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tq\x11\
          b\x89h\x04X\n\0\0\0\xc3\xbf\xc3\x98a\\\0\n\r\x1aq\x12h\x06\x86q\x13Rq\x14tq\x15bh\
          \x01h\x02K\0\x85q\x16h\x08\x87q\x17Rq\x18(K\x01K\x06K\x01\x86q\x19h\x0f\x89h\x04X\
          \x07\0\0\0PNG'\"\xc3\xa9q\x1ah\x06\x86q\x1bRq\x1ctq\x1dbe]q\x1ecnumpy.core.multiarra\
          y\nscalar\nq\x1fh\x0cX\x02\0\0\0b1q \x89\x88\x87q!Rq\"(K\x03h\x10NNNJ\xff\xff\xff\
          \xffJ\xff\xff\xff\xffK\0tq#bh\x04X\x01\0\0\0\x01q$h\x06\x86q%Rq&\x86q'Rq(a\x86q).",
    ),
    (
        "numpy 1.23.5, protocol 5, arrays",
        b"\x80\x05\x95\xdc\0\0\0\0\0\0\0]\x94(\x8c\x12numpy.core.numeric\x94\x8c\x0b_frombuffe\
          r\x94\x93\x94(\x96\x08\0\0\0\0\0\0\0\xff\xd8a\\\0\n\r\x1a\x94\x8c\x05numpy\x94\x8c\
          \x05dtype\x94\x93\x94\x8c\x02u1\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\
          \xff\xff\xffJ\xff\xff\xff\xffK\0t\x94bK\x08\x85\x94\x8c\x01C\x94t\x94R\x94h\x03(\x96\
          \x06\0\0\0\0\0\0\0PNG'\"\xe9\x94h\nK\x06\x85\x94h\x0et\x94R\x94eh\x03(\x96\x01\0\0\0\
          \0\0\0\0\x01\x94h\x07\x8c\x02b1\x94\x89\x88\x87\x94R\x94(K\x03h\x0bNNNJ\xff\xff\xff\
          \xffJ\xff\xff\xff\xffK\0t\x94bK\x01\x85\x94h\x0et\x94R\x94\x86\x94.",
    ),
    (
        "numpy 2.4.6, protocol 4, arrays",
        b"\x80\x04\x95\xfc\0\0\0\0\0\0\0]\x94(\x8c\x16numpy._core.multiarray\x94\x8c\x0c_recon\
          struct\x94\x93\x94\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94K\0\x85\x94C\x01b\x94\
          \x87\x94R\x94(K\x01K\x08\x85\x94h\x04\x8c\x05dtype\x94\x93\x94\x8c\x02u1\x94\x89\x88\
          \x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t\x94b\x89C\
          \x08\xff\xd8a\\\0\n\r\x1a\x94t\x94bh\x03h\x06K\0\x85\x94h\x08\x87\x94R\x94(K\x01K\
          \x06\x85\x94h\x10\x89C\x06PNG'\"\xe9\x94t\x94beh\x03h\x06K\0\x85\x94h\x08\x87\x94R\
          \x94(K\x01K\x01\x85\x94h\r\x8c\x02b1\x94\x89\x88\x87\x94R\x94(K\x03h\x11NNNJ\xff\xff\
          \xff\xffJ\xff\xff\xff\xffK\0t\x94b\x89C\x01\x01\x94t\x94b\x86\x94.",
    ),
    (
        "numpy 2.4.6, protocol 4, numpy.bool_",
        b"\x80\x04\x95\x80\0\0\0\0\0\0\0]\x94(C\x08\xff\xd8a\\\0\n\r\x1a\x94C\x06PNG'\"\xe9\
          \x94e]\x94\x8c\x16numpy._core.multiarray\x94\x8c\x06scalar\x94\x93\x94\x8c\x05numpy\
          \x94\x8c\x05dtype\x94\x93\x94\x8c\x02b1\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94N\
          NNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t\x94bC\x01\x01\x94\x86\x94R\x94a\x86\x94.",
    ),
    (
        "numpy 2.4.6, protocol 5, arrays (n, 1)",
        b"\x80\x05\x95\xe1\0\0\0\0\0\0\0]\x94(\x8c\x13numpy._core.numeric\x94\x8c\x0b_frombuff\
          er\x94\x93\x94(\x96\x08\0\0\0\0\0\0\0\xff\xd8a\\\0\n\r\x1a\x94\x8c\x05numpy\x94\x8c\
          \x05dtype\x94\x93\x94\x8c\x02u1\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\
          \xff\xff\xffJ\xff\xff\xff\xffK\0t\x94bK\x08K\x01\x86\x94\x8c\x01C\x94t\x94R\x94h\x03\
          (\x96\x06\0\0\0\0\0\0\0PNG'\"\xe9\x94h\nK\x06K\x01\x86\x94h\x0et\x94R\x94eh\x03(\x96\
          \x01\0\0\0\0\0\0\0\x01\x94h\x07\x8c\x02b1\x94\x89\x88\x87\x94R\x94(K\x03h\x0bNNNJ\
          \xff\xff\xff\xffJ\xff\xff\xff\xffK\0t\x94bK\x01\x85\x94h\x0et\x94R\x94\x86\x94.",
    ),
    (
        "numpy 2.4.6, protocol 5, read-only arrays",
        b"\x80\x05\x95\x97\0\0\0\0\0\0\0]\x94(\x8c\x13numpy._core.numeric\x94\x8c\x0b_frombuff\
          er\x94\x93\x94(C\x08\xff\xd8a\\\0\n\r\x1a\x94\x8c\x05numpy\x94\x8c\x05dtype\x94\x93\
          \x94\x8c\x02u1\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ\xff\
          \xff\xff\xffK\0t\x94bK\x08\x85\x94\x8c\x01C\x94t\x94R\x94h\x03(C\x06PNG'\"\xe9\x94h\
          \nK\x06\x85\x94h\x0et\x94R\x94e]\x94\x88a\x86\x94.",
    ),
    (
        "python 2, protocol 0",
        b"((lp0\nS'\\xff\\xd8a\\\\\\x00\\n\\r\\x1a'\np1\naS'PNG\\'\"\\xe9'\np2\na(lp3\nI01\nat\
          p4\n.",
    ),
    (
        "python 2, protocol 1",
        b"(]q\0(U\x08\xff\xd8a\\\0\n\r\x1aq\x01U\x06PNG'\"\xe9q\x02e]q\x03I01\natq\x04.",
    ),
    (
        "python 2, protocol 2",
        b"\x80\x02]q\0(U\x08\xff\xd8a\\\0\n\r\x1aq\x01U\x06PNG'\"\xe9q\x02e]q\x03\x88a\x86q\
          \x04.",
    ),
    (
        "python 2, cPickle protocol 2, longs",
        b"\x80\x02]q\x01(U\x08\xff\xd8a\\\0\n\r\x1aq\x02U\x06PNG'\"\xe9q\x03e]q\x04\x8a\x01\
          \x01a\x86q\x05.",
    ),
    (
        "python 2, numpy 1.16, protocol 2, arrays",
        b"\x80\x02]q\x01(cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\0\
          \x85U\x01b\x87Rq\x04(K\x01K\x08\x85cnumpy\ndtype\nq\x05U\x02u1K\0K\x01\x87Rq\x06(K\
          \x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89U\x08\xff\xd8a\\\0\n\r\x1atb\
          h\x02h\x03K\0\x85U\x01b\x87Rq\x07(K\x01K\x06\x85h\x06\x89U\x06PNG'\"\xe9tbeh\x02h\
          \x03K\0\x85U\x01b\x87Rq\x08(K\x01K\x01\x85h\x05U\x02b1K\0K\x01\x87Rq\t(K\x03U\x01|NN\
          NJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89U\x01\x01tb\x86q\n.",
    ),
    (
        "python 2, numpy 1.16, protocol 0, numpy.bool_",
        b"((lp1\nS'\\xff\\xd8a\\\\\\x00\\n\\r\\x1a'\np2\naS'PNG\\'\"\\xe9'\np3\na(lp4\ncnumpy.\
          core.multiarray\nscalar\np5\n(cnumpy\ndtype\np6\n(S'b1'\nI0\nI1\ntRp7\n(I3\nS'|'\nNN\
          NI-1\nI-1\nI0\ntbS'\\x01'\ntRp8\natp9\n.",
    ),
];
