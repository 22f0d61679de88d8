use super::*;
use crate::limits::Limits;
use std::path::Path;

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Settings, Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    std::fs::write(&file, text).unwrap();
    let environment = environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
    Settings::load(Some(&file), environment)
}

/// The text in force for a row.
fn text_of(settings: &Settings, row: &dyn Row) -> String {
    settings.values.get(row.name()).map_or_else(String::new, |setting| setting.given.text())
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
enum Border {
    File,
    Environment,
    Argument,
}

const BORDERS: [Border; 3] = [Border::File, Border::Environment, Border::Argument];

/// Gives a row a value over a border; of a file the TOML, of the others the text.
fn given(border: Border, row: &dyn Row, toml: &str, text: &str) -> Result<Settings, Error> {
    let (section, name) = row.parts();
    match border {
        Border::File => load(&format!("[{section}]\n{name} = {toml}\n"), &[]),
        Border::Environment => load("", &[(&row.variable(), text)]),
        Border::Argument => {
            let mut settings = Settings::defaults();
            settings.assign(&format!("{}={text}", row.name()))?;
            Ok(settings)
        }
    }
}

/// As [`given`], of a plain text.
fn given_text(border: Border, row: &dyn Row, text: &str) -> Result<Settings, Error> {
    given(border, row, &Given::from(text).literal(), text)
}

/// Values that a form takes, besides the default.
fn samples(form: &Form) -> Vec<String> {
    match form {
        Form::Whole(least, most) => vec![least.to_string(), most.to_string()],
        Form::Number(least, most) => vec![least.to_string(), most.to_string()],
        Form::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        Form::Told(_) => Vec::new(),
        Form::FolderName => vec!["a name".to_owned(), "7".to_owned()],
        Form::Path => vec!["/a/b c".to_owned(), "/a,b".to_owned(), "/[a]".to_owned()],
        Form::Optional(form) => samples(form),
        Form::List(_) => Vec::new(),
    }
}

/// Values of another type than a form's.
fn of_other_types(form: &Form) -> Vec<&'static str> {
    match form {
        Form::Whole(..) => vec!["many", "1.5", "true", "-1", "[1]"],
        Form::Number(..) => vec!["many", "true", "nan", "[1]"],
        Form::Words(_) | Form::Told(_) => vec!["no such thing", "-7.5"],
        Form::FolderName => vec!["a/b", ".."],
        Form::Path => Vec::new(),
        Form::Optional(form) => of_other_types(form),
        Form::List(form) => match **form {
            Form::Path => vec!["[a", "[[1]]"],
            Form::FolderName => vec!["[a", "[[1]]", "a/b"],
            _ => vec!["many", "[", "[many]", r#"["no such thing"]"#],
        },
    }
}

/// Numbers beyond a form's range.
fn beyond(form: &Form) -> Vec<String> {
    match form {
        Form::Whole(least, most) => {
            let below = least.checked_sub(1).map(|number| number.to_string());
            let above = (u128::from(*most) + 1).to_string();
            below.into_iter().chain([above]).collect()
        }
        Form::Number(least, most) => {
            vec![least.next_down().to_string(), most.next_up().to_string(), "inf".to_owned()]
        }
        Form::Optional(form) | Form::List(form) => beyond(form),
        _ => Vec::new(),
    }
}

#[test]
fn every_setting_goes_through_every_border() {
    for row in rows() {
        let default = row.default().to_owned();
        for text in samples(&row.form()).into_iter().chain([default]) {
            for border in BORDERS.into_iter().filter(|_| !text.is_empty()) {
                let settings = given_text(border, row, &text)
                    .unwrap_or_else(|error| panic!("{}: {border:?}: {error}", row.name()));
                assert_eq!(text_of(&settings, row), text, "{}: {border:?}", row.name());
            }
        }
    }
}

#[test]
fn a_value_of_another_type_is_refused_with_its_key_at_every_border() {
    for row in rows() {
        for text in of_other_types(&row.form()) {
            for border in BORDERS {
                let error = match given_text(border, row, text) {
                    Err(error) => error.to_string(),
                    Ok(_) => panic!("{}: {border:?}: {text} was taken", row.name()),
                };
                let expected = format!("{}: expected {}", row.name(), row.form());
                assert!(error.contains(&expected) && error.contains("found"), "{error}");
            }
        }
    }
}

#[test]
fn a_number_out_of_range_is_refused_at_every_border() {
    for row in rows() {
        for text in beyond(&row.form()) {
            for border in BORDERS {
                let taken = given_text(border, row, &text).is_ok();
                assert!(!taken, "{}: {border:?}: {text} was taken", row.name());
            }
        }
    }
}

#[test]
fn a_scalar_is_no_list_and_a_table_is_nothing() {
    for row in rows() {
        let refused = |toml: &str| given(Border::File, row, toml, "").is_err();
        assert!(refused("{ a = 1 }") && refused("1979-05-27"), "{}", row.name());
        assert!(row.form().is_list() || refused(r#"["a", "b"]"#), "{}", row.name());
    }
}

#[test]
fn every_list_is_one_at_every_border_and_in_the_file_of_a_run() {
    for row in rows().filter(|row| row.form().is_list()) {
        let parts: Vec<String> = match row.form() {
            Form::List(form) if form.is_path() => {
                ["/a,b.rec", "/c d", "/[e].rec"].map(str::to_owned).to_vec()
            }
            _ => vec![first_part(row); 2],
        };
        let list = Given::Several(parts.clone());
        for border in BORDERS {
            let settings = given(border, row, &list.literal(), &list.text()).unwrap();
            let again = load(&settings.to_file(), &[]).unwrap();
            for settings in [settings, again] {
                let in_force = settings.values.get(row.name()).unwrap();
                assert_eq!(in_force.given.parts().unwrap(), parts, "{}: {border:?}", row.name());
            }
        }
        let commas = vec![first_part(row); 3].join(", ");
        let settings = given_text(Border::File, row, &commas).unwrap();
        assert_eq!(settings.values.get(row.name()).unwrap().given.parts().unwrap().len(), 3);
    }
}

/// A part that a list takes.
fn first_part(row: &dyn Row) -> String {
    let candidates = ["lfw", "7"].map(|text| Given::Several(vec![text.to_owned()]));
    candidates.into_iter().find(|given| row.accepts(given)).unwrap().text()
}

#[test]
fn a_list_of_paths_with_commas_is_what_was_written() {
    let packs = |settings: Settings| settings.get(&keys::TRAIN_PACKS);
    let [a, b] = ["/x/a,b.rec", "/x/c.rec"].map(Path::new);
    let listed = r#"["/x/a,b.rec", "/x/c.rec"]"#;
    assert_eq!(packs(load(&format!("[train]\npacks = {listed}\n"), &[]).unwrap()), [a, b]);
    assert_eq!(packs(load("", &[("QGFACE_TRAIN_PACKS", listed)]).unwrap()), [a, b]);
    let mut settings = Settings::defaults();
    settings.assign(&format!("packs={listed}")).unwrap();
    assert_eq!(settings.resolved()["train.packs"], listed);
    assert_eq!(packs(settings), [a, b]);
    let one = packs(load("[train]\npacks = [\"/x/a,b.rec\"]\n", &[]).unwrap());
    assert_eq!(one, [a]);
}

#[test]
fn the_file_of_init_is_the_defaults() {
    let plain = template(&[], &[]);
    // What follows from other settings is written out there, to be filled in.
    let filled: String = plain
        .lines()
        .map(|line| {
            line.strip_prefix("# ").filter(|line| is_entry(line)).unwrap_or(line).to_owned() + "\n"
        })
        .collect();
    for text in [plain, filled] {
        let read = load(&text, &[]).unwrap();
        for row in KEYS {
            assert!(text.contains(&format!("# {}", row.about())), "{}", row.name());
            let (given, default) = (text_of(&read, *row), row.default());
            let parts = |text: &str| Given::from(text).parts();
            assert!(given == default || parts(&given) == parts(default), "{}", row.name());
        }
    }
}

/// Whether a line of comment is an entry that only waits to be filled in.
fn is_entry(line: &str) -> bool {
    KEYS.iter().any(|row| {
        let (_, name) = row.parts();
        row.default().is_empty()
            && [" = \"\"", " = []"].iter().any(|value| line == format!("{name}{value}"))
    })
}

#[test]
fn what_is_resolved_is_read_back_the_same() {
    let mut settings = Settings::defaults();
    for assignment in ["packs=[\"a,b\", \"c\"]", "milestones=3,4", "name=7", "best=lfw.accuracy"] {
        let key = assignment.replace("best=", "validation.best=");
        settings.assign(&key).unwrap();
    }
    let again = load(&settings.to_file(), &[]).unwrap();
    assert_eq!(again.resolved(), settings.resolved());
    assert_eq!(again.to_file(), settings.to_file());
}

/// A run keeps its settings as earlier versions wrote them: lists as one text between commas.
#[test]
fn the_file_of_an_earlier_run_is_read() {
    let text = "[train]\npacks = \"/data/packs/a,/data/packs/b\"\nmilestones = \"6,9\"\nclasses = \"\"\n\
                [validation]\nsets = \"lfw,scface\"\nbest = \"\"\n";
    let settings = load(text, &[]).unwrap();
    assert_eq!(settings.get(&keys::TRAIN_PACKS), ["/data/packs/a", "/data/packs/b"].map(Path::new));
    assert_eq!(settings.get(&keys::TRAIN_MILESTONES), [6, 9]);
    assert_eq!(settings.get(&keys::TRAIN_CLASSES), None);
    assert_eq!(settings.get(&keys::VALIDATION_SETS).concat().len(), 2);
    assert_eq!(settings.resolved()["train.packs"], "/data/packs/a,/data/packs/b");
}

#[test]
fn the_environment_stands_above_the_file_and_the_file_above_the_default() {
    use crate::pack::Encoding;
    let settings = load("[pack]\nout = \"p\"\nencoding = \"png\"\n", &[]).unwrap();
    assert!(settings.get(&keys::PACK_OUT).ends_with("p"));
    assert_eq!(settings.get(&keys::PACK_ENCODING), Encoding::Png);
    assert_eq!(settings.get(&keys::EVAL_BATCH), 32);
    let variable = [("QGFACE_PACK_ENCODING", "jpeg:80"), ("QGFACE_EVAL_BATCH", "")];
    let settings = load("[pack]\nencoding = \"png\"\n[eval]\nbatch = 7\n", &variable).unwrap();
    assert_eq!(settings.get(&keys::PACK_ENCODING), Encoding::Jpeg(80));
    assert_eq!(settings.get(&keys::EVAL_BATCH), 7);
}

#[test]
fn paths_of_the_file_are_relative_to_the_file() {
    let settings =
        load("[data]\ntinyface = \"sets/tiny\"\n[train]\npacks = [\"a\"]\n", &[]).unwrap();
    let root = |set: &str| settings.set_root(crate::datasets::find(set).unwrap(), "lfw");
    assert!(root("tinyface").is_absolute());
    assert!(root("tinyface").ends_with("sets/tiny"));
    assert_eq!(root("scface"), Path::new("data/scface"));
    assert_eq!(root("bin"), Path::new("data/hq/lfw.bin"));
    assert!(settings.get(&keys::TRAIN_PACKS)[0].is_absolute());
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name_at_every_border() {
    let told = |error: Error| {
        let error = error.to_string();
        assert!(error.contains("the nearest is pack.encoding"), "{error}");
    };
    told(load("[pack]\nencodign = \"png\"\n", &[]).unwrap_err());
    told(load("", &[("QGFACE_PACK_ENCODIN", "png")]).unwrap_err());
    told(Settings::defaults().assign("pack.encodin=png").unwrap_err());
    assert!(load("", &[("QGFACE_GOLDEN", "x")]).is_ok());
}

#[test]
fn what_is_no_toml_is_told_with_its_line_and_in_one() {
    let error = load("[pack]\nout = \n[eval]\n", &[]).unwrap_err().to_string();
    assert!(error.contains("expected TOML: line 2, column 7: "), "{error}");
    assert!(!error.contains('\n'), "{error}");
    let deep = format!("x = {}", "[".repeat(100_000));
    assert!(load(&deep, &[]).unwrap_err().to_string().len() < 1000);
}

#[test]
fn the_lines_are_those_of_the_sections_asked_for() {
    let lines = Settings::defaults().lines(&[Section::Pack]);
    assert!(lines.len() == 3 && lines.iter().all(|line| line.starts_with("pack.")), "{lines:?}");
}

#[test]
fn the_budgets_by_default_are_those_of_a_process_that_sets_none() {
    assert_eq!(Settings::defaults().limits(), Limits::default());
    let settings = load("[limits]\npixels = 100\n", &[("QGFACE_LIMITS_SCANS", "3")]).unwrap();
    let own = Limits { pixels: 100, scans: 3, ..Limits::default() };
    assert_eq!(settings.limits(), own);
}

#[test]
fn a_value_that_is_filled_in_stands_below_all_that_is_given() {
    let mut settings = load("[views]\nlow = \"ada\"\n", &[]).unwrap();
    for (row, word) in [(&keys::VIEWS_LOW as &'static dyn Row, "low"), (&keys::VIEWS_HIGH, "high")]
    {
        settings.fill(row, Given::from(word), "D").unwrap();
    }
    assert_eq!(
        [text_of(&settings, &keys::VIEWS_LOW), text_of(&settings, &keys::VIEWS_HIGH)],
        ["ada", "high"]
    );
}
