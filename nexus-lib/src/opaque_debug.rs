/// Implements `Debug` for types whose content is for nobody's log: it may hold keys or prompts, or is
/// made of services and locks. Only the name is shown.
macro_rules! opaque_debug {
    ($($name:ident $(<$($parameter:ident),+>)?),+ $(,)?) => {
        $(
            impl $(<$($parameter),+>)? std::fmt::Debug for $name $(<$($parameter),+>)? {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(stringify!($name)).finish_non_exhaustive()
                }
            }
        )+
    };
}
