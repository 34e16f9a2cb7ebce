//! How fast this GPU runs the engine's kernels, measured when the visitor asks.

use super::{
    screen::{Engine, Screen},
    view::Doings,
};
use crate::session::protocol::Speed;
use leptos::prelude::*;

/// The button and, once measured, a row per kernel.
#[component]
pub(super) fn SpeedsPanel(
    /// What is shown.
    screen: RwSignal<Screen>,
    /// What can be done.
    doings: Doings,
) -> impl IntoView {
    let speeds = Memo::new(move |_| screen.read().speeds.clone());
    let waits = Memo::new(move |_| {
        let screen = screen.read();
        screen.running().is_some() || screen.engine == Engine::NoWebGpu
    });
    let table = move || {
        let speeds = speeds.get();
        (!speeds.is_empty()).then(|| {
            view! {
                <div class="scroll">
                    <table id="speeds">
                        <thead><tr>
                            <th scope="col">"Kernel"</th>
                            <th scope="col">"ms"</th>
                            <th scope="col">"GB/s"</th>
                            <th scope="col">"of a copy"</th>
                            <th scope="col">"GFLOP/s"</th>
                            <th scope="col">"of the peak"</th>
                        </tr></thead>
                        <tbody>{speeds.into_iter().map(row).collect_view()}</tbody>
                    </table>
                </div>
            }
        })
    };
    view! {
        <section aria-labelledby="speeds-title">
            <h2 id="speeds-title">"How fast is this GPU?"</h2>
            <p>"Runs the engine's kernels at the sizes of Gemma 2 2B, beside a plain copy and plain multiply-adds."</p>
            <button id="measure" type="button" disabled=move || waits.get()
                on:click=move |_| doings.measure.run(())>"Measure"</button>
            {table}
        </section>
    }
}

fn row(it: Speed) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{it.kernel}</th>
            <td>{format!("{:.3}", it.millis)}</td>
            <td>{format!("{:.2}", it.gigabytes_per_second)}</td>
            <td>{format!("{:.2}", it.share_of_copy)}</td>
            <td>{format!("{:.2}", it.gigaflops)}</td>
            <td>{format!("{:.2}", it.share_of_peak)}</td>
        </tr>
    }
}
