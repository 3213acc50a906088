// The browser half: ask the pixel who this is, let the backend make the checkout, go there.
// The sale must work without the pixel, so nothing here may throw because of it.

export async function buy(productId) {
  let metadata = {};
  try {
    metadata = window.tributary.checkoutMetadata();
  } catch {
    // Blocked or not loaded yet.
  }
  const answer = await fetch("/api/checkout", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ productId, metadata }),
  });
  if (!answer.ok) throw new Error("the checkout could not be opened");
  const { url } = await answer.json();
  location.assign(url);
}
