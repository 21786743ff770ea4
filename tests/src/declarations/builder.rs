//! A declaration as it grows.

use std::fmt::{self, Write};

/// A size in a declaration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Size {
    Batch,
    Seq,
    Of(usize),
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Size::Batch => f.write_str("batch"),
            Size::Seq => f.write_str("seq"),
            Size::Of(n) => n.fmt(f),
        }
    }
}

/// A tensor of numbers in a declaration.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub name: String,
    pub shape: Vec<Size>,
}

impl Named {
    /// The last size, if it is known.
    pub fn last(&self) -> Option<usize> {
        match self.shape.last() {
            Some(Size::Of(n)) => Some(*n),
            _ => None,
        }
    }

    /// The size of an axis, if it is known.
    pub fn known(&self, axis: usize) -> Option<usize> {
        match self.shape.get(axis) {
            Some(Size::Of(n)) => Some(*n),
            _ => None,
        }
    }

    /// The shape with another last size.
    pub fn with_last(&self, size: usize) -> Vec<Size> {
        let mut shape = self.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = Size::Of(size);
        }
        shape
    }
}

/// `batch, 4`
pub(super) fn sizes(shape: &[Size]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) struct Builder {
    number: usize,
    state: u64,
    fields: Vec<String>,
    lines: Vec<String>,
    tensors: Vec<Named>,
    /// Inputs with the expression that makes them in a test.
    inputs: Vec<(Named, String)>,
    made: usize,
    /// The value of the const parameter `K`.
    pub k: usize,
}

impl Builder {
    pub fn new(number: usize) -> Self {
        let state = 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(number as u64 + 1);
        let mut builder = Self {
            number,
            state,
            fields: Vec::new(),
            lines: Vec::new(),
            tensors: Vec::new(),
            inputs: Vec::new(),
            made: 0,
            k: number % 3,
        };
        use Size::{Batch, Of, Seq};
        let shape = match number % 4 {
            0 => vec![Batch, Of(8)],
            1 => vec![Batch, Seq, Of(6)],
            2 => vec![Batch, Of(2), Of(9), Of(8)],
            _ => vec![Batch, Of(4), Of(6)],
        };
        builder.input(shape.clone());
        if builder.below(3) == 0 {
            builder.input(shape);
        }
        builder
    }

    /// A random number below `n` (splitmix64).
    pub fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }

    pub fn steps(&self) -> usize {
        self.lines.len()
    }

    /// A tensor that fits, mostly a recent one.
    pub fn find(&mut self, fits: impl Fn(&Named) -> bool) -> Option<Named> {
        let fitting: Vec<Named> = self.tensors.iter().filter(|tensor| fits(tensor)).cloned().collect();
        let recent = &fitting[fitting.len().saturating_sub(2)..];
        if recent.is_empty() {
            return None;
        }
        let from = if self.below(4) == 0 { &fitting } else { recent };
        Some(from[self.below(from.len())].clone())
    }

    /// A tensor, and another one of its shape if there is one.
    pub fn two(&mut self, fits: impl Fn(&Named) -> bool) -> Option<(Named, Named)> {
        let x = self.find(fits)?;
        let shape = x.shape.clone();
        let y = self.find(|other| other.shape == shape)?;
        Some((x, y))
    }

    fn name(&mut self, letter: char) -> String {
        self.made += 1;
        format!("{letter}{}", self.made)
    }

    /// One more input of numbers.
    fn input(&mut self, shape: Vec<Size>) {
        let name = self.name('x');
        let value = format!("Tensor::randn([{}])", sizes(&shape));
        let tensor = Named { name, shape };
        self.inputs.push((tensor.clone(), value));
        self.tensors.push(tensor);
    }

    /// One more input, of indices below `count`: its name.
    pub fn indices(&mut self, shape: Vec<Size>, count: usize) -> String {
        let name = self.name('i');
        let value = format!("Tensor::randint(0, {count}, [{}])", sizes(&shape));
        self.inputs.push((Named { name: name.clone(), shape }, value));
        name
    }

    /// A field: its name.
    pub fn field(&mut self, kind: impl fmt::Display) -> String {
        let name = self.name('f');
        self.fields.push(format!("{name}: {kind}"));
        name
    }

    /// A statement, and a tensor that it makes.
    pub fn add(&mut self, shape: Vec<Size>, value: impl fmt::Display) -> Option<()> {
        let name = self.name('t');
        self.lines.push(format!("let {name} = {value};"));
        self.tensors.push(Named { name, shape });
        Some(())
    }

    /// A statement as it is; `{0}`, `{1}` are the names of the tensors of these shapes that it makes.
    pub fn say(&mut self, shapes: &[Vec<Size>], text: &str) -> Option<()> {
        let mut text = text.to_owned();
        for (at, shape) in shapes.iter().enumerate() {
            let name = self.name('t');
            text = text.replace(&format!("{{{at}}}"), &name);
            self.tensors.push(Named { name, shape: shape.clone() });
        }
        self.lines.push(text);
        Some(())
    }

    /// The model and its test.
    pub fn declaration(mut self, f: &mut String) -> fmt::Result {
        let name = format!("Declared{}", self.number);
        let mut outputs = vec![self.tensors[self.tensors.len() - 1].clone()];
        if self.below(2) == 0 {
            let at = self.below(self.tensors.len());
            let other = self.tensors[at].clone();
            outputs.push(other);
        }
        writeln!(f, "model! {{\n    {name}<const K: usize> {{")?;
        self.fields.iter().try_for_each(|field| writeln!(f, "        {field},"))?;
        let list = |tensors: &[Named]| {
            tensors.iter().map(|t| format!("[{}]", sizes(&t.shape))).collect::<Vec<_>>().join(", ")
        };
        let inputs: Vec<String> =
            self.inputs.iter().map(|(t, _)| format!("{}: [{}]", t.name, sizes(&t.shape))).collect();
        let names = outputs.iter().map(|t| t.name.clone()).collect::<Vec<_>>().join(", ");
        let group = |text: String| if outputs.len() == 1 { text } else { format!("({text})") };
        let (results, names) = (group(list(&outputs)), group(names));
        writeln!(f, "    }}\n    forward({}) -> {results} {{", inputs.join(", "))?;
        self.lines.iter().try_for_each(|line| writeln!(f, "        {line}"))?;
        writeln!(f, "        {names}\n    }}\n}}\n")?;
        self.test(&name, &outputs, f)
    }

    fn test(&self, name: &str, outputs: &[Named], f: &mut String) -> fmt::Result {
        writeln!(f, "#[rustfmt::skip]\n#[test]\nfn declaration_{}() -> Result<()> {{", self.number)?;
        writeln!(f, "    let _turn = turn();\n    manual_seed({});", self.number)?;
        let values: Vec<&str> = self.inputs.iter().map(|(_, value)| value.as_str()).collect();
        let ty = |tensor: &Named| {
            let dims = tensor.shape.iter().map(|size| match size {
                Size::Batch => "Batch".to_owned(),
                Size::Seq => "Seq".to_owned(),
                Size::Of(n) => n.to_string(),
            });
            format!("shape![{}]", dims.collect::<Vec<_>>().join(", "))
        };
        let given = self.inputs.iter().enumerate();
        let given: Vec<String> =
            given.map(|(at, (tensor, _))| format!("&x[{at}].typed::<{}>()?", ty(tensor))).collect();
        let names: Vec<String> = (0..outputs.len()).map(|at| format!("y{at}")).collect();
        let tensors: Vec<String> = names.iter().map(|y| format!("{y}.into_tensor()")).collect();
        let pattern = if names.len() == 1 { names[0].clone() } else { format!("({})", names.join(", ")) };
        writeln!(f, "    check(")?;
        writeln!(f, "        &{name}::<{}>::new(),", self.k)?;
        let values = values.join(", ");
        let seq = if values.contains("seq") { "seq" } else { "_seq" };
        writeln!(f, "        |batch, {seq}| vec![{values}],")?;
        writeln!(f, "        |model, x| {{")?;
        writeln!(f, "            let {pattern} = model.try_forward({})?;", given.join(", "))?;
        writeln!(f, "            Ok(vec![{}])\n        }},\n    )\n}}", tensors.join(", "))
    }
}
