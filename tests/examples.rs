//! What the examples print and assert is right: their code is included here and run.

macro_rules! examples {
    ($($path:literal $name:ident)*) => {$(
        #[path = $path]
        #[expect(dead_code, reason = "nobody calls the example's `main`")]
        mod $name;
    )*};
}

examples! {
    "../examples/fast_string.rs" fast_string
    "../examples/leak.rs" leak
    "../examples/lexer.rs" lexer
    "../examples/paths.rs" paths
    "../examples/queens.rs" queens
    "../examples/simplify.rs" simplify
    "../examples/texture_cache.rs" texture_cache
}

mod queens_test {
    use super::queens::{Formulas, Operation, solve};

    #[test]
    fn counts_the_solutions() {
        let solutions = [1, 0, 0, 2, 10, 4, 40, 92, 352];
        let sizes = if cfg!(miri) { 1..=4 } else { 1..=9 };
        for (n, expected) in sizes.zip(solutions) {
            let outcome = solve(n, 0);
            assert_eq!(outcome.solutions, expected, "{n} queens");
            assert!(outcome.live <= outcome.peak);
        }
    }

    #[test]
    fn keeps_what_the_formula_needs_and_nothing_else() {
        // The size of the reduced diagram does not depend on how it was made: these are known.
        assert_eq!(solve(4, 0).live, 31);
        if cfg!(not(miri)) {
            assert_eq!(solve(8, 0).live, 2453);
        }
    }

    #[test]
    fn kept_nodes_change_no_result_and_go_in_the_end() {
        for kept in [1, 100, usize::MAX / 4] {
            let outcome = solve(4, kept);
            assert_eq!((outcome.solutions, outcome.live), (2, 31));
        }
    }

    #[test]
    fn formulas_obey_the_laws_of_logic() {
        let mut formulas = Formulas::new(0);
        let (yes, no) = (formulas.constant(true), formulas.constant(false));
        let [a, b, c] = [0, 1, 2].map(|variable| formulas.all_of(&[(variable, true)]));
        let not_a = formulas.all_of(&[(0, false)]);
        let mut and = |a: &_, b: &_| formulas.apply(Operation::And, a, b);
        let (ab, ac) = (and(&a, &b), and(&a, &c));
        assert!(and(&b, &a) == ab);
        assert!(and(&a, &yes) == a && and(&a, &no) == no && and(&a, &not_a) == no);
        assert!(formulas.apply(Operation::Or, &a, &not_a) == yes);
        let b_or_c = formulas.apply(Operation::Or, &b, &c);
        let distributed = formulas.apply(Operation::Or, &ab, &ac);
        assert!(formulas.apply(Operation::And, &a, &b_or_c) == distributed);
        assert_eq!(formulas.count(&distributed, 3), 3);
        assert_eq!(formulas.count(&b_or_c, 3), 6);
        assert_eq!((formulas.count(&yes, 3), formulas.count(&no, 3)), (8, 0));

        drop((a, b, not_a, ab, ac, b_or_c, distributed, yes, no));
        assert_eq!(formulas.finish(), 3, "`c` and the two constants that it needs");
        drop(c);
    }
}

mod paths_test {
    use super::paths::{FileId, Path, PathId, Paths, Workspace};

    #[test]
    fn equal_paths_are_one_entry_and_share_their_prefix() {
        let paths = Paths::default();
        let root = paths.root(FileId(7));
        let net = paths.child(&root, "net");
        let (a, b) = (paths.child(&net, "a"), paths.child(&net, "b"));
        assert_eq!(paths.len(), 4);
        assert!(paths.child(&net, "a") == a && a != b);
        assert!(paths.root(FileId(7)) == root && paths.root(FileId(8)) != root);
        assert_eq!(b.to_string(), "#7::net::b");
        assert!(b.parent() == Some(&net) && root.parent().is_none());

        drop((root, net, a));
        assert_eq!(paths.len(), 3, "`b` keeps what is above it");
        drop(b);
        assert_eq!(paths.len(), 0);
    }

    #[test]
    fn an_edit_keeps_ids_and_frees_what_is_gone() {
        let mut workspace = Workspace::default();
        let file = FileId(1);
        workspace.edit(file, &["m::f", "m::g"]);
        let id = |workspace: &Workspace, name| workspace.definition(file, name).map(Path::id);
        let (f, g) = (id(&workspace, "#1::m::f").unwrap(), id(&workspace, "#1::m::g").unwrap());

        workspace.edit(file, &["m::f", "m::h"]);
        assert_eq!(id(&workspace, "#1::m::f"), Some(f));
        assert!(workspace.definition(file, "#1::m::g").is_none());
        let resolve = |workspace: &Workspace, id: PathId| {
            workspace.paths.resolve(id).map(|path| path.to_string())
        };
        assert_eq!(resolve(&workspace, f).as_deref(), Some("#1::m::f"));
        assert_eq!(resolve(&workspace, g), None);

        // A path that comes back is a new entry: its old id stays dead.
        workspace.edit(file, &["m::f", "m::g"]);
        assert_ne!(id(&workspace, "#1::m::g"), Some(g));
        assert_eq!(resolve(&workspace, g), None);

        workspace.close(file);
        assert_eq!(workspace.paths.len(), 0);
    }

    #[test]
    fn the_table_never_grows_beyond_what_is_live() {
        let mut workspace = Workspace::default();
        workspace.edit(FileId(1), &["a::b", "a::c", "d"]);
        workspace.edit(FileId(2), &["a::b"]);
        let capacity = workspace.paths.capacity();
        let mut stale = Vec::new();
        let revisions = if cfg!(miri) { 20 } else { 2000 };
        for revision in 0..revisions {
            let new = format!("a::new_{revision}");
            workspace.edit(FileId(2), &["a::b", &new]);
            stale.push(workspace.definition(FileId(2), &format!("#2::{new}")).unwrap().id());
            let reachable = workspace.reachable();
            assert_eq!(workspace.paths.len(), reachable.len());
            assert!(reachable.iter().all(|id| workspace.paths.resolve(*id).is_some()));
        }
        assert!(workspace.paths.capacity() <= 2 * capacity);
        let last = stale.pop().unwrap();
        assert!(workspace.paths.resolve(last).is_some());
        assert!(stale.iter().all(|id| workspace.paths.resolve(*id).is_none()));
        assert_eq!(size_of::<Option<PathId>>(), 8);
    }
}

mod fast_string_test {
    use super::fast_string::{FastStringTable, z_encode};

    #[test]
    fn z_encodes_as_ghc_does() {
        let known = [
            // The table in GHC's source.
            ("Trak", "Trak"),
            ("foo_wz", "foozuwzz"),
            (">", "zg"),
            (">1", "zg1"),
            ("foo#", "foozh"),
            ("foo##", "foozhzh"),
            ("foo##1", "foozhzh1"),
            ("fooZ", "fooZZ"),
            (":+", "ZCzp"),
            ("()", "Z0T"),
            ("(,,,,)", "Z5T"),
            ("(# #)", "Z1H"),
            ("(#,,,,#)", "Z5H"),
            // Names from its libraries, as object files have them.
            ("+", "zp"),
            ("(,)", "Z2T"),
            ("(,,)", "Z3T"),
            ("(#,#)", "Z2H"),
            ("(#,,#)", "Z3H"),
            (">>=", "zgzgze"),
            ("++", "zpzp"),
            ("[]", "ZMZN"),
            (":", "ZC"),
            ("foldl'", "foldlzq"),
            ("$fShowInt", "zdfShowInt"),
            ("GHC.Base", "GHCziBase"),
            ("ghc-prim", "ghczmprim"),
            ("(->)", "ZLzmzgZR"),
            ("&&", "zaza"),
            ("||", "zbzb"),
            ("^", "zc"),
            ("<*>", "zlztzg"),
            ("!!", "znzn"),
            ("\\\\", "zrzr"),
            ("/=", "zsze"),
            ("a%b", "azvb"),
            // Everything else by number, with a zero before a letter; so does a digit in front.
            ("größe", "grz0f6Uz0dfUe"),
            ("λ", "z3bbU"),
            ("→", "z2192U"),
            ("a b", "az20Ub"),
            ("9pH", "z39UpH"),
            ("x9", "x9"),
            ("", ""),
            // No tuples.
            ("(", "ZL"),
            ("(a)", "ZLaZR"),
            ("(,", "ZLz2cU"),
            ("(#,)", "ZLzhz2cUZR"),
        ];
        for (name, encoded) in known {
            assert_eq!(z_encode(name), encoded, "{name}");
        }
    }

    #[test]
    fn encodes_each_string_once_and_on_demand() {
        let table = FastStringTable::default();
        let (plus, again) = (table.intern("+"), table.intern("+"));
        let other = table.intern("Trak");
        assert_eq!(table.z_encodings(), 0);
        assert_eq!(table.z_encoding(&plus), "zp");
        assert_eq!(table.z_encoding(&again), "zp");
        assert!(std::ptr::eq(table.z_encoding(&plus), table.z_encoding(&again)));
        assert_eq!(table.z_encodings(), 1);
        assert_eq!(table.z_encoding(&other), "Trak");
        assert_eq!(table.z_encodings(), 2);
    }

    #[test]
    fn a_string_has_one_unique_while_it_lives_and_nobody_gets_it_afterwards() {
        let table = FastStringTable::default();
        let (a, again, b) = (table.intern("a"), table.intern("a"), table.intern("b"));
        assert!(a == again && a != b);
        assert_eq!(table.unique(&a), table.unique(&again));
        assert_ne!(table.unique(&a), table.unique(&b));
        assert_eq!(table.len(), 2);

        let first = table.unique(&a);
        drop((a, again));
        assert_eq!(table.len(), 1);
        let a = table.intern("a");
        assert_ne!(table.unique(&a), first);
        assert_eq!(a.as_str(), "a");
    }
}

mod texture_cache_test {
    use super::texture_cache::{Gpu, LoadError, Screen, TextureCache};

    #[test]
    fn what_left_the_screen_is_kept_for_some_frames() {
        let gpu = Gpu::default();
        let cache = TextureCache::new(&gpu);
        let mut screen = Screen::new(2);
        let mut draw = |names: &[&str]| {
            screen.draw(&cache, names).unwrap();
            cache.len()
        };
        assert_eq!(draw(&["a_1x1.png", "b_1x1.png"]), 2);
        assert_eq!(draw(&["a_1x1.png"]), 2, "`b` has just left");
        assert_eq!(draw(&["a_1x1.png"]), 2);
        assert_eq!(draw(&["a_1x1.png"]), 1, "two frames ago");
        assert_eq!(draw(&["b_1x1.png"]), 2);
        assert_eq!(gpu.uploads(), 3, "`b` was loaded again");
        assert_eq!(draw(&["a_1x1.png"]), 2);
        assert_eq!(gpu.uploads(), 3, "`a` was not");
    }

    #[test]
    fn a_texture_is_loaded_once_and_unloaded_with_its_last_user() {
        let gpu = Gpu::default();
        let cache = TextureCache::new(&gpu);
        let forest = cache.load_level(&["hero_8x8.png", "tree_2x4.png"]).unwrap();
        let castle = cache.load_level(&["hero_8x8.png"]).unwrap();
        assert!(forest[0] == castle[0]);
        assert_eq!((gpu.uploads(), gpu.bytes(), cache.len()), (2, 256 + 32, 2));
        drop(forest);
        assert_eq!((gpu.bytes(), cache.len()), (256, 1));
        assert_eq!(cache.texture(&castle[0]).bytes(), 256);
        drop(castle);
        assert_eq!((gpu.bytes(), cache.len()), (0, 0));
    }

    #[test]
    fn a_level_that_does_not_load_leaves_nothing() {
        let gpu = Gpu::default();
        let cache = TextureCache::new(&gpu);
        let error = cache.load_level(&["wall_4x4.png", "readme.txt"]).err();
        assert_eq!(error, Some(LoadError { name: "readme.txt".into() }));
        assert_eq!((gpu.uploads(), gpu.bytes(), cache.len()), (1, 0, 0));
    }

    #[test]
    fn reloading_replaces_textures_in_place() {
        let gpu = Gpu::default();
        let mut cache = TextureCache::new(&gpu);
        let level = cache.load_level(&["a_1x1.png", "b_1x1.png"]).unwrap();
        cache.reload();
        assert_eq!((gpu.uploads(), gpu.bytes(), cache.len()), (4, 8, 2));
        assert_eq!(cache.texture(&level[1]).bytes(), 4);
    }
}

mod simplify_test {
    use super::simplify::{Expr, Terms};

    #[test]
    fn equal_expressions_are_one_term() {
        let terms = Terms::default();
        let (x, y) = (terms.variable("x"), terms.variable("y"));
        assert!(terms.sum(&x, &y) == terms.sum(&y, &x));
        assert!(terms.sum(&x, &y) != terms.product(&x, &y));
        assert_eq!(terms.len(), 2, "the sums are gone");
    }

    #[test]
    fn simplifies() {
        let terms = Terms::default();
        let (x, y) = (terms.variable("x"), terms.variable("y"));
        let [zero, one, two, six] = [0, 1, 2, 6].map(|number| terms.number(number));
        let three = terms.number(3);
        let is = |expr: Expr, simple: &Expr| terms.simplify(&expr) == *simple;
        assert!(is(terms.sum(&x, &zero), &x));
        assert!(is(terms.product(&one, &x), &x));
        assert!(is(terms.product(&zero, &terms.sum(&x, &y)), &zero));
        assert!(is(terms.product(&two, &three), &six));
        assert!(is(terms.sum(&terms.sum(&one, &two), &three), &six));
        assert!(is(terms.sum(&x, &x), &terms.product(&two, &x)));
        assert!(is(terms.sum(&x, &y), &terms.sum(&x, &y)));
        let largest = terms.number(i64::MAX);
        assert!(is(terms.sum(&largest, &one), &terms.sum(&largest, &one)), "no overflow");
        assert!(is(terms.product(&largest, &two), &terms.product(&largest, &two)));
    }

    #[test]
    fn derives() {
        let terms = Terms::default();
        let (x, y) = (terms.variable("x"), terms.variable("y"));
        let derivative = |expr: &Expr| terms.simplify(&terms.derive(expr, &x));
        assert!(derivative(&terms.product(&x, &y)) == y);
        assert!(derivative(&terms.product(&x, &x)) == terms.product(&terms.number(2), &x));
        assert!(derivative(&y) == terms.number(0));
    }

    #[test]
    fn degrees_are_forgotten_with_their_terms() {
        let terms = Terms::default();
        let (x, y) = (terms.variable("x"), terms.variable("y"));
        let product = terms.product(&terms.sum(&x, &y), &y);
        assert_eq!((terms.degree(&product), terms.degrees_known()), (2, 4));
        drop(product);
        assert_eq!(terms.degrees_known(), 2);
        let product = terms.product(&terms.number(5), &x);
        assert_eq!(terms.degree(&product), 1, "not what was in the same slots");
    }

    #[test]
    fn work_and_memory_go_by_distinct_terms() {
        let terms = Terms::default();
        let x = terms.variable("x");
        let mut power = x.clone();
        for _ in 0..40 {
            power = terms.product(&power, &power);
        }
        assert_eq!(terms.len(), 41);
        assert!(terms.simplify(&power) == power);
        let derivative = terms.simplify(&terms.derive(&power, &x));
        assert!(terms.len() < 200);
        drop((power, derivative));
        assert_eq!(terms.len(), 1);
        assert_eq!(x.to_string(), "x");
    }
}

mod lexer_test {
    use super::lexer::{Keyword, LexError, Lexer, Token, occurrences};

    #[test]
    fn reads_names_keywords_numbers_and_symbols() {
        let lexer = Lexer::new();
        let tokens = lexer.tokens("let größe_1 = 12; # let it be\nlets").unwrap();
        let [Token::Keyword(Keyword::Let), Token::Name(name), rest @ .., Token::Name(lets)] =
            &tokens[..]
        else {
            panic!("{tokens:?}")
        };
        assert_eq!((&***name, &***lets), ("größe_1", "lets"));
        assert_eq!(rest, [Token::Symbol('='), Token::Number(12), Token::Symbol(';')]);
    }

    #[test]
    fn equal_names_are_the_same_in_all_files() {
        let lexer = Lexer::new();
        let (a, b) = (lexer.tokens("x y").unwrap(), lexer.tokens("y").unwrap());
        assert!(a[1] == b[0] && a[0] != b[0]);
    }

    #[test]
    fn names_go_with_the_tokens() {
        let lexer = Lexer::new();
        assert_eq!(lexer.names(), 3);
        let (a, b) = (lexer.tokens("x y let").unwrap(), lexer.tokens("y z return").unwrap());
        assert_eq!(lexer.names(), 6);
        drop(a);
        assert_eq!(lexer.names(), 5);
        drop(b);
        assert_eq!(lexer.names(), 3);
    }

    #[test]
    fn says_what_is_wrong() {
        let lexer = Lexer::new();
        let error = lexer.tokens("a b\n  c ?").unwrap_err();
        assert_eq!(error, LexError::UnknownCharacter { line: 2, character: '?' });
        assert_eq!(error.to_string(), "line 2: no token begins with '?'");
        let error = lexer.tokens("99999999999999999999").unwrap_err();
        assert_eq!(error, LexError::NumberTooLarge { line: 1 });
        assert_eq!(lexer.names(), 3, "the names before the error are gone");
    }

    #[test]
    fn counts_names_in_alphabetical_order() {
        let lexer = Lexer::new();
        let tokens = lexer.tokens("b a b = fn").unwrap();
        let counts: Vec<(String, usize)> = occurrences(&tokens)
            .into_iter()
            .map(|(name, count)| (name.to_string(), count))
            .collect();
        assert_eq!(counts, [("a".to_string(), 1), ("b".to_string(), 2)]);
    }
}

mod leak_test {
    use super::leak::{Document, fill};

    #[test]
    fn parents_that_are_held_are_found_by_an_audit_and_weak_ones_leak_nothing() {
        let document = Document::default();
        let page = fill(&document);
        assert_eq!(document.audit().leaks().count(), 0, "the page is open");
        drop(page);
        let report = document.audit();
        let leaked: Vec<_> = report.leaks().flatten().collect();
        assert_eq!((leaked.len(), document.len()), (5, 5));
        assert!(leaked.iter().all(|entry| entry.is_in_cycle()), "each with its parent");
        drop(leaked);
        document.free(report);
        assert_eq!(document.len(), 0);

        let document = Document::repaired();
        let page = fill(&document);
        assert_eq!(document.audit().leaks().count(), 0);
        drop(page);
        assert_eq!(document.len(), 0);
    }
}
